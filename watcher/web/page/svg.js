// What drawings are made of: scales and lines. Colours come from the style sheet.

import { h } from "./dom.js";

/** From values to places, evenly. @param {[number, number]} domain @param {[number, number]} range @returns {(value: number) => number} */
export function linear([low, high], [from, to]) {
  const length = high - low || 1;
  return (value) => from + ((value - low) / length) * (to - from);
}

/** From values to places, by their ratio. @param {[number, number]} domain @param {[number, number]} range @returns {(value: number) => number} */
export function logarithmic([low, high], range) {
  const scale = linear([Math.log(low), Math.log(high)], range);
  return (value) => scale(Math.log(value));
}

/** The path of a line; where a value is missing it is broken. @param {[number, number | null][]} points */
export function line(points) {
  let path = "";
  let on = false;
  for (const [x, y] of points) {
    if (y !== null) path += on ? `L${round(x)} ${round(y)}` : `M${round(x)} ${round(y)}h0`; // one point alone is a dot
    on = y !== null;
  }
  return path;
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * A small curve without axes; `label` says in words what it shows.
 * @param {(number | null)[]} values
 * @param {{label: string, most?: number, class?: string}} look
 */
export function sparkline(values, look) {
  const [width, height] = [120, 28];
  const most = Math.max(look.most ?? 0, ...values.map((value) => value ?? 0), 1e-9);
  const x = linear([0, Math.max(values.length - 1, 1)], [1, width - 1]);
  const y = linear([0, most], [height - 2, 2]);
  const path = line(values.map((value, index) => [x(index), value === null ? null : y(value)]));
  return h("svg", { class: `sparkline ${look.class ?? ""}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": look.label, preserveAspectRatio: "none" },
    h("path", { d: path, "vector-effect": "non-scaling-stroke" }));
}
