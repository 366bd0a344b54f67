// Batches by status: how many there are of each, as a bar and as a list that leads to them.

import { h } from "../dom.js";
import { count, percent } from "../format.js";
import { badge, nothing, toneOf } from "../parts.js";
import { linkTo } from "../router.js";

/** @typedef {import("../types.js").PageDocument} PageDocument */

/** In the order of a batch's life; what nobody knows comes behind. */
const LIFE = ["unseen", "new", "validating", "active", "errors", "source_error", "missing", "expired"];
/** Not statuses of CallFire, but how a watch ended. */
const ENDED = new Set(["missing", "expired"]);

/** How many batches there are of each status, over all accounts, in the order of a batch's life. @param {PageDocument["counts"]} counts @returns {[string, number][]} */
export function totals(counts) {
  /** @type {Map<string, number>} */
  const sums = new Map(LIFE.map((name) => [name, 0]));
  for (const each of Object.values(counts)) for (const [name, some] of Object.entries(each)) sums.set(name, (sums.get(name) ?? 0) + some);
  return [...sums].filter(([name, some]) => some > 0 || ["new", "validating", "active", "errors"].includes(name));
}

/** Where the batches of a status are listed: one that nobody knows needs a person, one that was not seen yet is open. @param {string} name */
export function listed(name) {
  if (name === "unseen" || !LIFE.includes(name)) return linkTo("batches", [], { show: name === "unseen" ? "open" : "attention" });
  return linkTo("batches", [], ENDED.has(name) ? { state: name } : { status: name });
}

/** A few of very many are not none. @param {number} some @param {number} all */
const shareOf = (some, all) => some > 0 && some / all < 0.001 ? `< ${percent(0.001)}` : percent(some / all);

/** @param {PageDocument} page */
export function statuses(page) {
  const rows = totals(page.counts);
  const all = rows.reduce((sum, [, some]) => sum + some, 0);
  if (all === 0) return nothing("No batch is followed yet. ", h("a", { href: linkTo("submit") }, "Submit or follow some"), ".");
  return [
    h("div", { key: "bar", class: "stack", "aria-hidden": "true" }, rows.filter(([, some]) => some > 0).map(([name, some]) =>
      h("span", { key: name, class: `part ${toneOf(name)}`, title: `${name.replaceAll("_", " ")}: ${count(some)}`, vars: { "--much": String(some / all) } }))),
    h("ul", { key: "list", class: "statuses" }, rows.map(([name, some]) => h("li", { key: name },
      h("a", { href: listed(name) }, badge(name)),
      h("span", { class: "number" }, count(some)),
      h("span", { class: "number quiet" }, shareOf(some, all))))),
  ];
}
