// How what is known of a batch is shown, in the list and by itself: its labels, its status, its contacts.

import { h } from "../dom.js";
import { count } from "../format.js";
import { WATCHES } from "../meanings.js";
import { badge, outside } from "../parts.js";

/** @typedef {import("../types.js").Watch} Watch */

/** Labels, each a link to all that have it. @param {[string, string][]} labels @param {(label: string) => string} link @param {number} [others] that are not shown */
export function labelList(labels, link, others = 0) {
  return h("ul", { class: "label-list" }, labels.map(([name, value]) => h("li", { key: name },
    h("a", { href: link(`${name}:${value}`), title: `Show all with ${name}: ${value}` }, outside(name), h("span", { class: "quiet" }, ": "), outside(value, "")))),
  others > 0 ? h("li", { key: "" }, `+${count(others)}`) : null);
}

/** Its status, and what is wrong with it where that is something else. @param {Watch} watch */
export function statuses(watch) {
  const wrong = watch.attention;
  const isSaid = wrong === null || wrong === watch.status?.toLowerCase();
  return [badge(watch.status), isSaid ? null : h("span", { title: WATCHES[wrong]?.what ?? null }, badge(wrong))];
}

/** How many contacts, and how many of them were dialled or texted where some were. @param {Watch} watch */
export function contacts({ size, remaining }) {
  if (size === null) return h("span", { class: "quiet" }, "–");
  if (remaining === null || remaining >= size || size === 0) return count(size);
  const done = size - remaining;
  return h("span", { class: "progress", title: `${count(done)} of ${count(size)} dialled or texted when it was last seen` },
    `${count(done)} of ${count(size)}`, h("svg", { class: "reach done", "aria-hidden": "true", height: 4 },
      h("rect", { class: "rail", x: 0, y: 0, width: "100%", height: 4, rx: 2 }), h("rect", { x: 0, y: 0, width: `${((100 * done) / size).toFixed(1)}%`, height: 4, rx: 2 })));
}
