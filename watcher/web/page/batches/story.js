// The life of a batch in words: what the drawing shows, for who does not see it, and for copying.

import { h } from "../dom.js";
import { ago, count, duration, exact, percent, timeOfDay } from "../format.js";
import { badge, moment } from "../parts.js";
import { OCCURRED } from "./life.js";
import { lifeOf } from "./timeline.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("./timeline.js").Change} Change */
/** @typedef {import("./timeline.js").PastLooks} PastLooks */
/** @typedef {{at: number, key: string, said: Child, rank?: number}} Line */

/** @type {Record<string, string>} */
const OCCURRENCES = {
  "batch.missing": "CallFire does not have it any more: not looked at from here on.",
  "batch.stuck": "It stays in its status for longer than usual.",
  "batch.unstuck": "It moved on.",
  "watch.expired": "It did not settle in the time it was given: not looked at from here on.",
};
/** The looks that are listed one by one. */
const LISTED = 20;

/** @param {App} app @param {import("../types.js").WatchDetails} watch */
export function story(app, watch) {
  const life = lifeOf(watch, app.now.getTime());
  /** @type {Line[]} */
  const lines = [
    ...(life.created === null ? [] : [{ at: life.created, key: "created", said: "Created at CallFire." }]),
    { at: life.opened, key: "opened", said: "Followed from here on." },
    ...life.changes.map((each) => ({ at: each.to, key: `change ${each.number}`, said: changed(each) })),
    ...life.occurrences.map((each) => ({ at: each.at, key: `occurrence ${each.number}`, said: [badge(OCCURRED[each.type]), " ", OCCURRENCES[each.type] ?? each.type] })),
  ].sort((one, other) => one.at - other.at);
  const future = life.isOpen ? [
    life.next === null ? null : h("li", { key: "next", class: "ahead" }, when(app, life.next), h("span", null, life.next <= app.now.getTime() ? "Next look: due." : "Next look, about.")),
    life.eta === null ? null : h("li", { key: "p50", class: "ahead" }, when(app, life.eta.from), h("span", null, `Ready by then with a chance of ${percent(0.5)}.`)),
    life.eta === null ? null : h("li", { key: "p90", class: "ahead" }, when(app, life.eta.to), h("span", null, `Ready by then with a chance of ${percent(0.9)}.`)),
  ] : null;
  return h("ol", { class: "story", id: "story" }, lines.map((line) => h("li", { key: line.key }, when(app, line.at), h("span", null, line.said))), future);
}

/** @param {App} app @param {number} at */
function when(app, at) {
  const date = new Date(at);
  return h("time", { class: "when", datetime: date.toISOString() }, h("span", null, exact(date)), " ", h("span", { class: "quiet" }, ago(date, app.now)));
}

/** @param {Change} change @returns {Child} */
function changed({ from, to, previous, status, skipped, isFirst }) {
  const between = `between ${timeOfDay(new Date(from))} and ${timeOfDay(new Date(to))}, a window of ${duration((to - from) / 1000)}`;
  const unseen = skipped.length === 0 ? null : [" ", skipped.map((each) => [badge(each), " "]), "must have passed in it unseen."];
  if (previous === null) return ["First seen as ", badge(status), isFirst && from < to ? [". Since when is not known, at most for ", duration((to - from) / 1000), "."] : ".", unseen];
  return [badge(previous), " became ", badge(status), to > from && !isFirst ? ` ${between}.` : ".", unseen];
}

/** What is remembered of the looks, in words and the last ones one by one. @param {App} app @param {PastLooks} looks */
export function looksShown(app, looks) {
  const shown = looks.items.slice(-LISTED).reverse();
  const many = (/** @type {(look: import("./timeline.js").PastLook) => boolean} */ is) => looks.items.filter(is).length;
  const [pages, refreshes] = [many((look) => look.by === "page"), many((look) => look.by === "refresh")];
  const [unanswered, missing] = [many((look) => look.result === "unanswered"), many((look) => look.result === "missing")];
  const parts = [
    `${count(looks.items.length - pages - refreshes)} by itself`, pages > 0 && `${count(pages)} on a page with others`, refreshes > 0 && `${count(refreshes)} asked for`, unanswered > 0 && `${count(unanswered)} unanswered`, missing > 0 && `${count(missing)} did not find it`,
  ].filter(Boolean).join(", ");
  return h("div", { class: "looks" },
    h("p", null, looks.total === 0 ? "No look saw it. " : looks.total === 1 ? "One look saw it. " : `${count(looks.total)} looks saw it in all. `,
      looks.items.length === 0 ? "None is remembered. " : `Remembered: ${parts}. `,
      looks.since === null ? null : ["Those before ", exact(looks.since), " are not remembered any more."]),
    shown.length === 0 ? null : h("details", null, h("summary", null, `The last ${count(shown.length)}, one by one`),
      h("ol", { class: "each" }, shown.map((look) => h("li", { key: `${look.asked} ${look.answered}` },
        moment(app, look.answered), ` ${timeOfDay(look.answered)} · ${look.result} · ${look.by === "page" ? "on a page" : look.by === "refresh" ? "asked for" : "by itself"} · answered in ${duration((Date.parse(look.answered) - Date.parse(look.asked)) / 1000)}`)))));
}
