// Durations and moments as people say them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, duration } from "../../watcher/web/page/format.js";

test("a duration has the units that matter at its size", () => {
  const said = [-1, 0.0004, 0.85, 1, 4.25, 59.99, 60, 185, 3599.6, 3600, 7860, 86_400, 442_800].map(duration);
  assert.deepEqual(said, ["0 ms", "0 ms", "850 ms", "1 s", "4.25 s", "60 s", "1 min", "3 min 5 s", "1 h", "1 h", "2 h 11 min", "1 d", "5 d 3 h"]);
});

test("a moment is told from now, in the largest unit that it fills", () => {
  const now = new Date("2026-11-26T12:00:00Z");
  const said = ["2026-11-26T12:00:00Z", "2026-11-26T11:59:55Z", "2026-11-26T11:01:00Z", "2026-11-26T14:30:00Z", "2026-11-23T12:00:00Z"].map((at) => ago(at, now));
  assert.deepEqual(said, ["now", "5s ago", "59m ago", "in 2h", "3d ago"]);
});
