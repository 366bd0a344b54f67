// The curve of delays against requests a second, and the same as a table.

import { h } from "../dom.js";
import { duration, figure } from "../format.js";
import { table } from "../parts.js";
import { line, linear, logarithmic } from "../svg.js";
import { delayAxis, ofPresent, present } from "./bought.js";

/** @typedef {import("./bought.js").Plan} Plan */
/** @typedef {import("./bought.js").Point} Point */
/** @typedef {{at: (value: number) => number, ticks: number[]}} Axis */

const [WIDTH, HEIGHT] = [600, 200];
const KEEPS_NOT = "does not keep up";

/** @param {Plan} plan */
export function curve(plan) {
  const axis = delayAxis(plan.points);
  const [first, last] = [plan.points[0], plan.points.at(-1)];
  if (axis === null || first === undefined || last === undefined) return null;
  const x = logarithmic([first.rate, last.rate], [0, WIDTH]);
  const y = (axis.byRatio ? logarithmic : linear)(axis.domain, [HEIGHT, 0]);
  return h("figure", { class: "chart bought" },
    h("figcaption", null, h("strong", null, "Delay by requests a second"),
      h("span", { class: "legend" }, h("span", { class: "p50" }, "half within"), h("span", { class: "p95" }, "95 % within"))),
    h("div", { class: "plot" },
      h("div", { class: "places", "aria-hidden": "true" }, axis.ticks.map((tick) => written(`y ${tick}`, y(tick) / HEIGHT, tick === 0 ? "0" : duration(tick)))),
      h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `Delay by requests a second. ${ofPresent(plan)} The table below says the same.` },
        axis.ticks.map((tick) => still("line", `grid ${tick}`, { class: "grid", x1: 0, x2: WIDTH, y1: y(tick), y2: y(tick) })),
        still("line", "present", { class: "present", x1: x(plan.rate), x2: x(plan.rate), y1: 0, y2: HEIGHT }),
        drawn(plan.points, "p95", x, y), drawn(plan.points, "p50", x, y))),
    h("div", { class: "places along", "aria-hidden": "true" }, plan.points.map((point) =>
      written(`x ${point.rate}`, x(point.rate) / WIDTH, point.rate === plan.rate ? `${figure(point.rate)}/s now` : `${figure(point.rate)}/s`))));
}

/** @param {Point[]} points @param {"p50" | "p95"} which @param {(value: number) => number} x @param {(value: number) => number} y */
function drawn(points, which, x, y) {
  /** @type {[number, number | null][]} */
  const places = points.map((point) => [x(point.rate), point[which] === null ? null : y(point[which])]);
  const dots = places.filter(([, at]) => at !== null);
  return [
    still("path", which, { class: `curve ${which}`, d: line(places) }),
    // A line of no length with round ends is a dot, and stays one however the drawing is stretched.
    dots.map(([at, height], index) => still("path", `${which} ${index}`, { class: `point ${which}`, d: `M${at} ${height}h0` })),
  ];
}

/** @param {string} tag @param {string} key @param {import("../dom.js").Props} props */
const still = (tag, key, props) => h(tag, { key, "vector-effect": "non-scaling-stroke", ...props });

/** What is written beside an axis, at that share of it. @param {string} key @param {number} share @param {string} text */
const written = (key, share, text) => h("span", { key, vars: { "--at": String(share) } }, text);

/** @param {Plan} plan */
export function figures(plan) {
  const now = present(plan);
  return table("Delay by requests a second", [
    { name: "Requests a second", cell: (row) => [`${figure(row.rate)}/s`, row === now ? h("span", { class: "badge busy present-rate" }, "now") : null] },
    { name: "Of the present", cell: (row) => `× ${figure(row.rate / plan.rate)}` },
    { name: "Half within", class: "number", cell: (row) => delay(row.p50) },
    { name: "95 % within", class: "number", cell: (row) => delay(row.p95) },
  ], plan.points, (row) => String(row.rate));
}

/** @param {number | null} seconds */
const delay = (seconds) => (seconds === null ? h("span", { class: "ill" }, KEEPS_NOT) : duration(seconds));
