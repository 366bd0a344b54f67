// The last hour of an endpoint, drawn and as a table: what was accepted and what failed, and how long it took.

import { h } from "../dom.js";
import { count, duration, percent, timeOfDay } from "../format.js";
import { folded, nothing, table } from "../parts.js";
import { line, linear } from "../svg.js";
import { inAll, knownSince, minutes, newest, roundAbove } from "./recent.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("./recent.js").Minute} Minute */

const [WIDTH, HEIGHT] = [600, 120];

/** @param {App} app @param {import("./recent.js").Recent | null} recent */
export function lastHour(app, recent) {
  if (recent === null) return nothing("What it was sent lately is not known.");
  const hour = minutes(recent);
  const { done, failed, share } = inAll(hour);
  const since = knownSince(recent);
  if (share === null) return nothing(`Nothing was sent to it ${since === null ? "in the last hour" : `since ${timeOfDay(since)}, when this daemon began to count`}. Send a test to see it answer.`);
  const slow = newest(hour.map((minute) => minute.p95));
  return [
    h("div", { class: "charts" },
      chart("Attempts a minute", `${count(done)} accepted, ${count(failed)} failed: ${percent(share)} accepted`, hour,
        roundAbove(Math.max(...hour.map((minute) => minute.done + minute.failed), 1)), count, attempts,
        [["done", "accepted"], ["failed", "failed"]]),
      chart("Time to an answer", slow === null ? "no answers" : `95 % within ${duration(slow)} at last`, hour,
        roundAbove(Math.max(...hour.map((minute) => minute.p95 ?? 0), 0.002)), duration, latency,
        [["p50", "half within"], ["p95", "95 % within"]])),
    since === null ? null : h("p", { key: "since", class: "hint" }, `Counted since ${timeOfDay(since)}: this daemon does not know of attempts before.`),
    asTable(app, hour),
  ];
}

/**
 * A drawing over the last hour. Words stand beside it as text, so that they keep their size however wide it is.
 * @param {string} name
 * @param {string} words what it shows, in short
 * @param {Minute[]} hour
 * @param {number} most
 * @param {(value: number) => string} written
 * @param {(hour: Minute[], x: (place: number) => number, y: (value: number) => number) => import("../types.js").Child} drawn
 * @param {[string, string][]} legend
 */
function chart(name, words, hour, most, written, drawn, legend) {
  const x = linear([0, hour.length], [0, WIDTH]);
  const y = linear([0, most], [HEIGHT, 0]);
  return h("figure", { class: "chart" },
    h("figcaption", null, h("strong", null, name), h("span", { class: "quiet" }, words),
      h("span", { class: "legend" }, legend.map(([kind, text]) => h("span", { key: kind, class: kind }, text)))),
    h("div", { class: "plot" },
      h("div", { class: "scale", "aria-hidden": "true" }, h("span", null, written(most)), h("span", null, written(most / 2)), h("span", null, "0")),
      h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${name} in the last hour: ${words}. The table below says the same.` },
        [0, 0.5, 1].map((part) => h("line", { key: `grid ${part}`, class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part, "vector-effect": "non-scaling-stroke" })),
        drawn(hour, x, y),
        hour.map((minute, place) => h("rect", { key: `told ${place}`, class: "told", x: x(place), y: 0, width: WIDTH / hour.length, height: HEIGHT }, h("title", null, told(minute)))))),
    h("div", { class: "axis", "aria-hidden": "true" }, ["60 min ago", "30 min ago", "now"].map((text) => h("span", { key: text }, text))));
}

/** @param {Minute[]} hour @param {(place: number) => number} x @param {(value: number) => number} y */
function attempts(hour, x, y) {
  const width = WIDTH / hour.length - 2;
  return hour.flatMap((minute, place) => [
    minute.done > 0 && h("rect", { key: `done ${place}`, class: "done", x: x(place) + 1, y: y(minute.done), width, height: HEIGHT - y(minute.done) }),
    minute.failed > 0 && h("rect", { key: `failed ${place}`, class: "failed", x: x(place) + 1, y: y(minute.done + minute.failed), width, height: HEIGHT - y(minute.failed) }),
  ]);
}

/** @param {Minute[]} hour @param {(place: number) => number} x @param {(value: number) => number} y */
function latency(hour, x, y) {
  return (/** @type {const} */ (["p95", "p50"])).map((kind) => h("path", {
    key: kind, class: `curve ${kind}`, "vector-effect": "non-scaling-stroke",
    d: line(hour.map((minute, place) => [x(place + 0.5), minute[kind] === null ? null : y(minute[kind])])),
  }));
}

/** A minute in words. @param {Minute} minute */
function told({ at, done, failed, p50, p95 }) {
  const took = p50 === null || p95 === null ? "" : `; half within ${duration(p50)}, 95 % within ${duration(p95)}`;
  return `${timeOfDay(at)}: ${count(done)} accepted, ${count(failed)} failed${took}`;
}

/** The same as numbers, the newest minute first; minutes without any attempt are left out. @param {App} app @param {Minute[]} hour */
function asTable(app, hour) {
  const shown = app.local("delivery figures", () => ({ open: false }));
  const rows = hour.filter((minute) => minute.done + minute.failed > 0).reverse();
  return folded(shown.open, (open) => { shown.open = open; app.update(); }, "The figures as a table",
    shown.open && table("Attempts by minute", [
      { name: "Minute", cell: (row) => h("time", { datetime: row.at.toISOString() }, timeOfDay(row.at)) },
      { name: "Accepted", class: "number", cell: (row) => count(row.done) },
      { name: "Failed", class: "number", cell: (row) => count(row.failed) },
      { name: "Half within", class: "number", cell: (row) => (row.p50 === null ? "–" : duration(row.p50)) },
      { name: "95 % within", class: "number", cell: (row) => (row.p95 === null ? "–" : duration(row.p95)) },
    ], rows, (row) => row.at.toISOString()));
}
