// When a batch will have ended, in words and as a small range. All ranges of a list have the same scale, from a second to a day
// by ratio, so that rows can be compared at a glance.

import { h } from "../dom.js";
import { count, exact } from "../format.js";
import { logarithmic } from "../svg.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Schemas["Eta"]} Eta */

/** @type {[string, number][]} */
const UNITS = [["d", 86_400], ["h", 3600], ["min", 60]];
const [SOON, LATE] = [1, 86_400];
const place = logarithmic([SOON, LATE], [0, 100]);

/** A duration in one unit, as good as a guess deserves: "40 s", "2 min", "3 h". @param {number} seconds */
export function roughly(seconds) {
  for (const [unit, length] of UNITS) {
    if (seconds >= 1.5 * length) return `${count(seconds / length)} ${unit}`;
  }
  return `${count(Math.max(seconds, 0))} s`;
}

/** "in 40 s to 2 min": within the first with a chance of 50 %, within the second of 90 %. @param {Eta} eta @param {Date} now */
export function etaWords(eta, now) {
  const [early, late] = [eta.p50, eta.p90].map((moment) => roughly((Date.parse(moment) - now.getTime()) / 1000));
  return early === late ? `in about ${early}` : `in ${early} to ${late}`;
}

/** @param {Eta} eta */
export const etaTitle = (eta) => `Half of such batches have ended by ${exact(eta.p50)}, nine in ten by ${exact(eta.p90)}`;

/** Where the range begins and how long it is, in percent of the scale. @param {Eta} eta @param {Date} now @returns {[number, number]} */
export function etaPlace(eta, now) {
  const [from = 0, to = 0] = [eta.p50, eta.p90].map((moment) => place(Math.min(Math.max((Date.parse(moment) - now.getTime()) / 1000, SOON), LATE)));
  return [from, Math.max(to - from, 3)];
}

/** In words over its range. @param {App} app @param {Eta | null} eta */
export function etaShown(app, eta) {
  if (eta === null) return h("span", { class: "quiet" }, "–");
  const [from, length] = etaPlace(eta, app.now);
  return h("span", { class: "eta", title: etaTitle(eta) },
    h("span", null, etaWords(eta, app.now)),
    h("svg", { class: "reach", "aria-hidden": "true", height: 6 },
      h("line", { x1: "0%", x2: "100%", y1: 3, y2: 3 }),
      h("rect", { x: `${Math.min(from, 97).toFixed(1)}%`, width: `${length.toFixed(1)}%`, y: 0, height: 6, rx: 2 })));
}
