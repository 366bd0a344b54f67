// What a plan says in words, and the axis that it is drawn on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { delayAxis, ofLoad, ofOthers, ofPresent } from "../../watcher/web/page/plan/bought.js";

/** @param {...[number, number | null, number | null]} points @returns {any} */
const plan = (...points) => ({ rate: 4, points: points.map(([rate, p50, p95]) => ({ rate, p50, p95 })) });

test("the load is told with what keeps it up", () => {
  const load = { in_flight: 300, arrivals: 3.224, duration: 93.06, learnt: true, over: 300, part: 1 };
  assert.equal(ofLoad(load), "300 batches on the way, about 3.22 new ones a second, each for 1 min 33 s on average (as this account's batches have shown).");
  const one = { in_flight: 1, arrivals: 0.01, duration: 100, learnt: false, over: 300, part: 1 };
  assert.equal(ofLoad(one), "1 batch on the way, about a new one every 1 min 40 s, each for 1 min 40 s on average (as is usual: this account has seen no end yet).");
});

test("the present rate is told by its delays", () => {
  assert.equal(ofPresent(plan([4, 0.6, 2.5])), "With 4 requests a second, half of the ends are noticed within 600 ms, and 95 % within 2.5 s.");
});

test("what more brings and less costs is told beside it", () => {
  assert.deepEqual(ofOthers(plan([2, 2, 9], [4, 1, 3], [8, 0.5, 1])), [
    "Twice as many would bring 95 % within 1 s: 2 s sooner.",
    "Half as many would cost 6 s: 95 % within 9 s.",
  ]);
});

test("where more brings little, and less does as well, that is said", () => {
  assert.deepEqual(ofOthers(plan([2, 1, 3.1], [4, 1, 3], [8, 1, 2.9])), [
    "Twice as many would bring little: 95 % within 2.9 s.",
    "Half as many would do as well: 95 % within 3.1 s.",
  ]);
});

test("a rate that does not keep up has no figures, and the least that would is named", () => {
  const behind = plan([2, null, null], [4, null, null], [8, null, null], [16, 0.5, 1]);
  assert.equal(ofPresent(behind), "4 requests a second do not keep up with this load: ends are noticed later and later.");
  assert.deepEqual(ofOthers(behind), ["16 requests a second would keep up: 95 % within 1 s."]);
  assert.deepEqual(ofOthers(plan([4, null, null], [8, null, null])), ["None of the rates that were tried keeps up."]);
  assert.deepEqual(ofOthers(plan([2, null, null], [4, 1, 2])), ["Half as many would not keep up."]);
});

test("delays that are near one another stand on an even scale from nothing, others on one of ratios", () => {
  assert.deepEqual(delayAxis(plan([2, 1, 3], [4, 0.6, 2]).points), { domain: [0, 5], byRatio: false, ticks: [0, 2.5, 5] });
  assert.deepEqual(delayAxis(plan([2, 4, 40], [4, 0.6, 2]).points), { domain: [0.5, 50], byRatio: true, ticks: [0.5, 1, 10, 50] });
  assert.deepEqual(delayAxis(plan([2, 0.06, 0.9]).points), { domain: [0.05, 1], byRatio: true, ticks: [0.05, 0.1, 0.2, 0.5, 1] });
  assert.equal(delayAxis(plan([2, null, null]).points), null);
  assert.equal(delayAxis(plan([2, 0, 0]).points), null);
});
