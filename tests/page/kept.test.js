// What was asked for last is what is shown, in whatever order the answers come.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../../watcher/web/page/api.js";
import { Kept } from "../../watcher/web/page/kept.js";

const NOW = new Date("2026-11-26T12:00:00Z");
const LATER = new Date("2026-11-26T12:00:05Z");

function begun() {
  let [now, drawn] = [NOW, 0];
  const kept = new Kept(() => { drawn += 1; }, () => now);
  return { kept, drawn: () => drawn, pass: () => { now = LATER; } };
}

/** An answer that comes when the test says so. */
function waiting() {
  /** @type {(value: unknown) => void} */
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((...both) => { [resolve, reject] = both; });
  return { promise, resolve, reject };
}

test("what was fetched stays while it is fetched anew, and when that fails", async () => {
  const { kept, drawn, pass } = begun();
  assert.deepEqual(kept.fetched("x"), { data: null, problem: null, at: null, loading: false });
  await kept.fetch("x", async () => "first");
  assert.deepEqual(kept.fetched("x"), { data: "first", problem: null, at: NOW, loading: false });
  pass();
  const refusal = new Refusal(503, { title: "Not now." });
  const failing = kept.fetch("x", () => Promise.reject(refusal));
  assert.deepEqual(kept.fetched("x"), { data: "first", problem: null, at: NOW, loading: true });
  await failing;
  assert.deepEqual(kept.fetched("x"), { data: "first", problem: refusal, at: NOW, loading: false });
  await kept.fetch("x", async () => "second");
  assert.deepEqual(kept.fetched("x"), { data: "second", problem: null, at: LATER, loading: false });
  assert.equal(drawn(), 6);
});

test("an answer that was overtaken is dropped, also one that fails", async () => {
  const { kept } = begun();
  const first = waiting();
  const second = waiting();
  /** @type {AbortSignal[]} */
  const signals = [];
  const fetching = [first, second].map(({ promise }) => kept.fetch("x", (signal) => {
    signals.push(signal);
    return promise;
  }));
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  first.reject(new Error("late"));
  await fetching[0];
  assert.equal(kept.fetched("x").loading, true);
  second.resolve("second");
  await fetching[1];
  assert.deepEqual(kept.fetched("x"), { data: "second", problem: null, at: NOW, loading: false });
});

test("what is forgotten while it is fetched does not come back", async () => {
  const { kept } = begun();
  const answer = waiting();
  const fetching = kept.fetch("x", () => answer.promise);
  kept.forget("x");
  answer.resolve("late");
  await fetching;
  assert.equal(kept.fetched("x").data, null);
});

test("of another person's nothing is left", async () => {
  const { kept } = begun();
  const answer = waiting();
  await kept.fetch("x", async () => "theirs");
  const fetching = kept.fetch("y", () => answer.promise);
  kept.local("form", () => ({ text: "" })).text = "secret";
  assert.equal(kept.local("form", () => ({ text: "" })).text, "secret");
  kept.forgetAll();
  answer.resolve("theirs too");
  await fetching;
  assert.deepEqual([kept.fetched("x").data, kept.fetched("y").data, kept.local("form", () => ({ text: "" })).text], [null, null, ""]);
});
