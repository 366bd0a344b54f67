// Events are read whole, however the bytes arrive.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameReader } from "../../watcher/web/page/frames.js";

const SENT = 'retry: 2000\nid: 7\n\nid: 7\nevent: data\ndata: {"a":1}\n\n: alive\nid: 8\n\nevent: patch\ndata: [1,\ndata: 2]\n\n';
const READ = [
  { event: "data", data: '{"a":1}' },
  { event: "patch", data: "[1,\n2]" },
];

test("greetings and signs of life are no events", () => {
  assert.deepEqual(new FrameReader().take(SENT), READ);
});

test("wherever it is cut, the same is read", () => {
  for (let cut = 0; cut <= SENT.length; cut += 1) {
    const reader = new FrameReader();
    assert.deepEqual([...reader.take(SENT.slice(0, cut)), ...reader.take(SENT.slice(cut))], READ, `cut at ${cut}`);
  }
});

test("lines may end as on Windows, and data may begin at once", () => {
  assert.deepEqual(new FrameReader().take("data:x\r\n\r\n"), [{ event: "message", data: "x" }]);
});

test("an event that is not complete is kept back", () => {
  assert.deepEqual(new FrameReader().take("event: data\ndata: {}\n"), []);
});
