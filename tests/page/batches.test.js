// The room of batches, as far as it needs no browser: which part of time is drawn, which rows are shown, what a change asks for.

import assert from "node:assert/strict";
import test from "node:test";

import { etaPlace, etaWords, roughly } from "../../watcher/web/page/batches/eta.js";
import { chosen, listLink, offsetOf, queryFor } from "../../watcher/web/page/batches/filters.js";
import { drawn } from "../../watcher/web/page/batches/life.js";
import { freshMemory, rowsOf } from "../../watcher/web/page/batches/list.js";
import { patchOf } from "../../watcher/web/page/batches/marks.js";
import { contacts, statuses } from "../../watcher/web/page/batches/shown.js";
import { looksShown, story } from "../../watcher/web/page/batches/story.js";
import { closeOf, lifeOf, looksIn, stepOf, ticksOf, wholeOf } from "../../watcher/web/page/batches/timeline.js";
import { placeOf } from "../../watcher/web/page/router.js";

const BEGIN = Date.parse("2026-11-23T09:00:00Z");
/** @param {number} seconds */
const at = (seconds) => new Date(BEGIN + seconds * 1000).toISOString();
/** @param {number} seconds */
const ms = (seconds) => BEGIN + seconds * 1000;
const ETA = { p50: at(40), p90: at(120) };

/** A watch, with what it is about. @param {object} [given] @returns {any} */
function watch(given = {}) {
  return {
    account: "default", batch_id: 13, status: "VALIDATING", state: "open", attention: null, created: at(0), opened: at(1), looks: 3,
    last_look: { asked: at(9), answered: at(10) }, next_look: at(20), eta: null, labels: {}, correlation_id: null, transitions: [], ...given,
  };
}

/** @param {number} number @param {string} status @param {string | null} previous @param {number | null} after @param {number} by @param {string[]} skipped */
function transition(number, status, previous, after, by, skipped = []) {
  return { number, type: `batch.${status.toLowerCase()}`, timestamp: at(by), status, previous_status: previous, skipped, window: { after: after === null ? null : at(after), by: at(by) } };
}

test("an estimate is told as roughly as it is known", () => {
  assert.deepEqual([0.2, 40, 80, 100, 3600, 7200, 200_000].map(roughly), ["0 s", "40 s", "80 s", "2 min", "60 min", "2 h", "2 d"]);
});

test("an estimate is a range, and one moment where both ends are as far", () => {
  assert.equal(etaWords(ETA, new Date(ms(0))), "in 40 s to 2 min");
  assert.equal(etaWords({ p50: at(100), p90: at(101) }, new Date(ms(0))), "in about 2 min");
});

test("a range has its place between a second and a day, however far away it is", () => {
  assert.deepEqual(etaPlace({ p50: at(1), p90: at(86_400) }, new Date(ms(0))), [0, 100]);
  assert.deepEqual(etaPlace({ p50: at(-5), p90: at(-1) }, new Date(ms(0))), [0, 3]);
});

test("a status lasts from the first look that saw it to the last", () => {
  const life = lifeOf(watch({ transitions: [transition(1, "NEW", null, null, 2), transition(2, "VALIDATING", "NEW", 5, 6)] }), ms(15));
  assert.deepEqual(life.stays, [{ from: ms(2), to: ms(5), number: 1, status: "NEW" }, { from: ms(6), to: ms(15), number: 2, status: "VALIDATING" }]);
  assert.deepEqual(life.changes, [
    { from: ms(0), to: ms(2), number: 1, status: "NEW", previous: null, skipped: [], isFirst: true },
    { from: ms(5), to: ms(6), number: 2, status: "VALIDATING", previous: "NEW", skipped: [], isFirst: false },
  ]);
  assert.deepEqual([life.end, life.next, life.eta, life.isOpen], [ms(15), ms(20), null, true]);
});

test("what passed unseen is marked in its window, and where a batch settled it stays", () => {
  const life = lifeOf(watch({ state: "settled", status: "ACTIVE", eta: ETA, transitions: [transition(1, "NEW", null, null, 2), transition(2, "ACTIVE", "NEW", 5, 9, ["VALIDATING"])] }), ms(9000));
  assert.deepEqual(life.changes[1]?.skipped, ["VALIDATING"]);
  assert.deepEqual([life.stays[1]?.to, life.end, life.eta, life.next], [Infinity, ms(10), null, null]);
});

test("what is no change of the status is an occurrence", () => {
  const stuck = { number: 2, type: "batch.stuck", timestamp: at(900), status: "NEW", previous_status: null, skipped: [], window: null };
  const life = lifeOf(watch({ transitions: [transition(1, "NEW", null, null, 2), stuck] }), ms(1000));
  assert.deepEqual(life.occurrences, [{ at: ms(900), number: 2, type: "batch.stuck" }]);
  assert.equal(life.stays.length, 1);
});

test("a batch that nobody has seen yet has a life all the same", () => {
  const life = lifeOf(watch({ status: null, created: null, last_look: null, next_look: null }), ms(3));
  assert.deepEqual([life.stays, life.created, life.end], [[], null, ms(3)]);
  const whole = wholeOf(life);
  assert.ok(whole.from < ms(1) && whole.to > ms(3));
  assert.equal(closeOf(life, whole), null);
  assert.equal(lifeOf(watch({ state: "missing", status: null, last_look: null }), ms(99)).end, ms(1));
});

for (const [what, length] of /** @type {[string, number][]} */ ([["three seconds", 3], ["three days", 259_200]])) {
  test(`a batch of ${what} fills the drawing, and its axis has a few marks`, () => {
    const life = lifeOf(watch({ opened: at(0), state: "settled", last_look: { asked: at(length), answered: at(length) }, transitions: [
      transition(1, "NEW", null, null, 0), transition(2, "VALIDATING", "NEW", length / 3, length / 2), transition(3, "ACTIVE", "VALIDATING", 0.8 * length, length)] }), ms(1e7));
    const whole = wholeOf(life);
    assert.ok((life.end - BEGIN) / (whole.to - whole.from) > 0.9);
    assert.equal(closeOf(life, whole), null);
    const ticks = ticksOf(whole, 0);
    assert.ok(ticks.length >= 3 && ticks.length <= 7, String(ticks.length));
  });
}

test("changes that lie close together in a long life are enlarged", () => {
  const day = 86_400;
  const life = lifeOf(watch({ opened: at(0), state: "settled", last_look: null, transitions: [
    transition(1, "NEW", null, null, 0), transition(2, "VALIDATING", "NEW", 3 * day, 3 * day + 2), transition(3, "ACTIVE", "VALIDATING", 3 * day + 6, 3 * day + 8)] }), ms(1e7));
  assert.deepEqual(closeOf(life, wholeOf(life)), { from: ms(3 * day - 2), to: ms(3 * day + 10) });
});

test("a batch that is followed long after its creation is enlarged from then on", () => {
  const day = 86_400;
  const life = lifeOf(watch({ opened: at(day), transitions: [transition(1, "VALIDATING", null, null, day + 1)] }), ms(day + 60));
  const close = closeOf(life, wholeOf(life));
  assert.ok(close !== null && close.from < ms(day) && close.from > ms(day - 600) && close.to > life.end);
});

test("the end of the drawing stays while time goes on, and the future leaves room for the past", () => {
  const ends = [11, 12, 13].map((now) => wholeOf(lifeOf(watch({ eta: { p50: at(40), p90: at(100_000) } }), ms(now))).to);
  assert.equal(new Set(ends).size, 1);
  assert.ok((ends[0] ?? 0) < ms(60));
});

test("the steps of an axis are those of a clock, and full hours are those of the reader", () => {
  assert.deepEqual([10, 3000, 60_000, 3.6e6, 6e8, 1e11].map(stepOf), [2, 500, 1e4, 6e5, 1728e5, 28 * 6048e5]);
  const day = { from: ms(0), to: ms(86_400) };
  assert.deepEqual(ticksOf(day, 0).map((each) => (each - BEGIN) / 36e5), [3, 9, 15, 21]);
  assert.deepEqual(ticksOf(day, 90).map((each) => (each - BEGIN) / 36e5), [1.5, 7.5, 13.5, 19.5]);
});

test("of looks that would cover each other the one that tells most is drawn", () => {
  const looks = [["unchanged", "page", 1], ["changed", "single", 1.01], ["unchanged", "page", 1.02], ["unanswered", "refresh", 50], ["unchanged", "page", 200]]
    .map(([result, by, seconds]) => ({ result: String(result), by: String(by), asked: at(Number(seconds)), answered: at(Number(seconds)) }));
  assert.deepEqual(looksIn(looks, { from: ms(0), to: ms(100) }), [{ at: 1, result: "changed", by: "single", many: 3 }, { at: 50, result: "unanswered", by: "refresh", many: 1 }]);
});

// The list

/** @param {Record<string, any>} watches @param {string[]} [order] @returns {any} */
const page = (watches, order = Object.keys(watches)) => ({ watches, order, more: false, accounts: {}, counts: {}, endpoints: {}, position: 1 });

test("a row is marked for a while when its status changes, but not because it came onto the screen", () => {
  const memory = freshMemory();
  const rows = (/** @type {any} */ document, /** @type {number} */ now, asked = "all") => rowsOf(document, memory, { asked, now, most: 50 }).map(({ key, changed }) => [key, changed]);
  assert.deepEqual(rows(page({ "a/1": watch() }), 0), [["a/1", false]]);
  assert.deepEqual(rows(page({ "a/1": watch({ status: "ACTIVE" }) }), 1000), [["a/1", true]]);
  assert.deepEqual(rows(page({ "a/1": watch({ status: "ACTIVE" }) }), 8000), [["a/1", false]]);
  assert.deepEqual(rows(page({ "a/1": watch({ status: "ERRORS" }) }), 9000, "others"), [["a/1", false]]);
});

test("ids are shown as they are written, however large, and accounts may have a slash", () => {
  const [row] = rowsOf(page({ "a/b/9223372036854775807": watch() }), freshMemory(), { asked: "", now: 0, most: 50 });
  assert.deepEqual([row?.account, row?.id], ["a/b", "9223372036854775807"]);
});

test("while somebody points at them the rows keep their places, also those that are gone", () => {
  const memory = freshMemory();
  const what = { asked: "all", now: 0, most: 50 };
  const keys = (/** @type {any} */ document, asked = "all") => rowsOf(document, memory, { ...what, asked }).map(({ key, gone }) => (gone ? `(${key})` : key));
  assert.deepEqual(keys(page({ "a/1": watch(), "a/2": watch() })), ["a/1", "a/2"]);
  memory.isHeld = true;
  const later = page({ "a/3": watch(), "a/2": watch() });
  assert.deepEqual(keys(later), ["(a/1)", "a/2"]);
  assert.deepEqual(keys(later, "others"), ["a/3", "a/2"]);
  memory.isHeld = false;
  assert.deepEqual(keys(page({ "a/2": watch(), "a/3": watch() })), ["a/2", "a/3"]);
  assert.deepEqual([...memory.rows.keys()], ["a/2", "a/3"]);
});

test("those that need a person are the first of all", () => {
  assert.equal(rowsOf(page({ "a/1": watch(), "a/2": watch() }), freshMemory(), { asked: "", now: 0, most: 1 }).length, 1);
});

test("the address says what is asked of the stream", () => {
  const place = placeOf("#/batches?q=+autumn&show=open&account=north&label=team%3Ablue&offset=50");
  assert.deepEqual(queryFor(place), { order: "attention", limit: 50, offset: 50, q: "autumn", account: "north", label: "team:blue", state: "open" });
  assert.equal(listLink(place, { show: null }), "#/batches?q=+autumn&account=north&label=team%3Ablue");
  assert.deepEqual(queryFor(placeOf("#/batches")), { order: "attention", limit: 50, offset: undefined, q: undefined, account: undefined, label: undefined });
});

test("what cannot be seen in a text that was pasted is not searched for", () => {
  assert.equal(queryFor(placeOf(`#/batches?q=${encodeURIComponent("\u202eautumn\u00a0wave\n")}`)).q, "autumn wave");
});

test("an address that makes no sense shows all, from the beginning", () => {
  assert.equal(chosen(placeOf("#/batches?show=constructor")), "all");
  assert.deepEqual(["-1", "x", "1e99", "50"].map((offset) => offsetOf(placeOf(`#/batches?offset=${offset}`))), [0, 0, 0, 50]);
  assert.equal(chosen(placeOf("#/batches?status=ERRORS")), "errors");
});

test("a change of labels asks for what changes, and for nothing else", () => {
  const now = { labels: { team: "blue", wave: "1" }, correlation_id: "order-1" };
  const rows = [{ name: "team", value: "green" }, { name: " new ", value: "" }, { name: "", value: "forgotten" }];
  assert.deepEqual(patchOf(now, { rows, correlation: "order-1" }), { labels: { team: "green", new: "", wave: null } });
  assert.deepEqual(patchOf(now, { rows: [{ name: "team", value: "blue" }, { name: "wave", value: "1" }], correlation: " " }), { correlation_id: null });
  assert.equal(patchOf(now, { rows: [{ name: "team", value: "blue" }, { name: "wave", value: "1" }], correlation: "order-1" }), null);
});

// What is drawn, and said

/** @param {number} seconds @returns {any} */
const app = (seconds) => ({ now: new Date(ms(seconds)) });

/** All elements in it of that class. @param {any} node @param {string} name @returns {any[]} */
function allOf(node, name) {
  if (Array.isArray(node)) return node.flatMap((each) => allOf(each, name));
  if (node === null || typeof node !== "object") return [];
  return [...(String(node.props.class ?? "").split(" ").includes(name) ? [node] : []), ...allOf(node.children, name)];
}

/** The text in it. @param {any} node @returns {string} */
function textOf(node) {
  if (Array.isArray(node)) return node.map(textOf).join("");
  return node !== null && typeof node === "object" ? textOf(node.children) : typeof node === "string" ? node : "";
}

const STUCK = { number: 2, type: "batch.stuck", timestamp: at(900), status: "NEW", previous_status: null, skipped: [], window: null };
const LIFE = watch({ eta: { p50: at(1100), p90: at(1200) }, next_look: at(1010), transitions: [transition(1, "NEW", null, null, 2), STUCK, transition(3, "VALIDATING", "NEW", 740, 960)] });
const LOOKS = { total: 3, since: at(500), items: [
  { asked: at(940), answered: at(941), by: "page", result: "unchanged" }, { asked: at(959), answered: at(960), by: "single", result: "changed" },
  { asked: at(990), answered: at(999), by: "refresh", result: "unanswered" }] };

test("the drawing has all that is known: statuses, windows, marks, looks, and what is expected", () => {
  const figure = allOf(drawn(app(1000), LIFE, LOOKS), "life");
  assert.deepEqual(["stay", "window", "mark", "unremembered", "expected", "now"].map((name) => allOf(figure, name).length), [2, 2, 1, 1, 1, 2]);
  assert.deepEqual(["unchanged", "changed", "unanswered", "next"].map((name) => allOf(figure, "look").filter((each) => allOf(each, name).length > 0).length), [1, 1, 1, 1]);
  assert.match(textOf(allOf(figure, "mark")), /stuck$/);
  assert.match(textOf(allOf(figure, "window")[1]), /^NEW to VALIDATING: between .*, within 3 min 40 s$/);
});

test("of a batch that ended nothing is expected, and of looks that nobody remembers none are drawn", () => {
  const figure = allOf(drawn(app(9000), watch({ state: "settled", transitions: LIFE.transitions }), null), "life");
  assert.deepEqual(["expected", "now", "look", "unremembered"].map((name) => allOf(figure, name).length), [0, 0, 0, 0]);
});

test("a passage that nobody saw is marked in the drawing and told in words", () => {
  const skipping = watch({ state: "settled", status: "ACTIVE", transitions: [transition(1, "NEW", null, null, 2), transition(2, "ACTIVE", "NEW", 5, 9, ["VALIDATING"])] });
  assert.equal(textOf(allOf(drawn(app(20), skipping, null), "skipped")), "VALIDATING unseen");
  assert.match(textOf(story(app(20), skipping)), /NEW became ✓ACTIVE between .* a window of 4 s\. ↻VALIDATING must have passed in it unseen\./);
});

test("the words say what the drawing shows, in its order", () => {
  const lines = /** @type {any} */ (story(app(1000), LIFE)).children.map((/** @type {any} */ line) => line.props.key);
  assert.deepEqual(lines, ["created", "opened", "change 1", "occurrence 2", "change 3", "next", "p50", "p90"]);
});

test("it is said from when on looks are remembered, and how they were made", () => {
  const said = textOf(looksShown(app(1000), LOOKS));
  assert.match(said, /^3 looks saw it in all\. Remembered: 1 by itself, 1 on a page with others, 1 asked for, 1 unanswered\. Those before .* are not remembered any more\./);
  assert.equal(textOf(looksShown(app(1000), { total: 0, since: null, items: [] })), "No look saw it. None is remembered. ");
});

test("contacts are a number until some of them were dialled", () => {
  assert.equal(textOf(contacts(watch({ size: null, remaining: null }))), "–");
  assert.equal(contacts(watch({ size: 200, remaining: 200 })), "200");
  assert.equal(textOf(contacts(watch({ size: 200, remaining: 150 }))), "50 of 200");
});

test("what is wrong with a batch stands beside its status, unless its status says so", () => {
  assert.equal(textOf(statuses(watch({ attention: "stuck" }))), "↻VALIDATING!stuck");
  assert.equal(textOf(statuses(watch({ status: "ERRORS", attention: "errors" }))), "✕ERRORS");
  assert.equal(textOf(statuses(watch({ status: "constructor", attention: null }))), "•constructor");
});
