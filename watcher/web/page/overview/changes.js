// What happened last, as a quiet list: read anew when the stream says that the log has grown, but not more than every few
// seconds, and not under the hand of somebody who is about to follow a link.

import { ask, queryOf } from "../api.js";
import { h } from "../dom.js";
import { badge, moment, nothing, outside, problemBox } from "../parts.js";
import { linkTo } from "../router.js";
import { whileSeen } from "../seen.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Schemas["Event"]} Event_ */
/** @typedef {import("../types.js").Schemas["EventPage"]} Page */

const SHOWN = 12;
/** Milliseconds between two readings, and between two times that it is seen whether one is due. */
const [EVERY, OFTEN] = [3000, 100];
/** Positions that are looked through for what one may see: first few, then, where that was too little, many. */
const BACK = [SHOWN, 1000];
const NAME = "overview changes";

/** Begins to read, gives its end. @param {App} app @returns {() => void} */
export function followChanges(app) {
  const reading = readingOf(app);
  Object.assign(reading, { position: -1, at: 0, held: false });
  const look = () => {
    const position = app.page?.position;
    const isKnown = position === reading.position && app.fetched(NAME).problem === null;
    const isBusy = reading.held || app.fetched(NAME).loading || Date.now() - reading.at < EVERY;
    if (position === undefined || isKnown || isBusy) return;
    Object.assign(reading, { position, at: Date.now() });
    void app.fetch(NAME, (signal) => latest(/** @type {Event_[]} */ (app.fetched(NAME).data ?? []), position, (query) => ask("GET", `/v1/events${queryOf(query)}`, { signal })));
  };
  return whileSeen(OFTEN, look);
}

/** Up to where it was read and when, and whether somebody holds it. @param {App} app */
const readingOf = (app) => app.local("changes read", () => ({ position: -1, at: 0, held: false }));

/**
 * The last events up to the position, the newest first: those known before, and those since.
 * @param {Event_[]} known @param {number} position @param {(query: {after: number, limit: number}) => Promise<Page>} read
 * @returns {Promise<Event_[]>}
 */
export async function latest(known, position, read) {
  const kept = (known[0]?.position ?? 0) > position ? [] : known; // else it is another log
  const newest = kept[0]?.position ?? 0;
  for (const back of BACK) {
    const after = Math.max(position - back, newest, 0);
    const { items } = await read({ after, limit: back });
    const isAll = items.length >= SHOWN || after === newest || back === BACK.at(-1);
    if (isAll) return [...items.reverse(), ...kept].slice(0, SHOWN);
  }
  return kept;
}

/** @param {App} app */
export function changes(app) {
  const { data, problem } = /** @type {import("../types.js").Fetched<Event_[]>} */ (app.fetched(NAME));
  const reading = readingOf(app);
  /** @param {boolean} held */
  const hold = (held) => () => { reading.held = held; };
  if (data === null) return problem === null ? h("p", { class: "quiet" }, "…") : problemBox(problem);
  if (data.length === 0) return nothing("Nothing happened yet.");
  return [
    app.connection.problem === null ? problemBox(problem) : null, // else the banner says it already
    h("ol", { key: "list", class: "changes", on: { mouseenter: hold(true), mouseleave: hold(false), focusin: hold(true), focusout: hold(false) } },
      data.map((event) => h("li", { key: event.position }, moment(app, event.timestamp), changed(event)))),
  ];
}

/** What happened, and to what. @param {Event_} event */
export function changed({ type, data: told }) {
  const data = /** @type {Record<string, any>} */ (told);
  const [subject = "", what = ""] = type.split(".", 2);
  if (subject === "batch" || subject === "watch") {
    const word = subject === "batch" && data["status"] !== null && !["missing", "stuck", "unstuck"].includes(what) ? String(data["status"]) : what;
    const before = word !== what && data["previous_status"] ? `was ${String(data["previous_status"]).toLowerCase()}` : "";
    const skipped = data["skipped"]?.length > 0 ? `, ${data["skipped"].join(", ").toLowerCase()} not seen` : "";
    return h("span", { class: "what" }, badge(word.toLowerCase()), " ",
      h("a", { href: linkTo("batches", [data["account"], data["batch_id"]]) }, outside(data["name"] ?? `Batch ${data["batch_id"]}`)),
      before === "" && skipped === "" ? null : h("span", { class: "quiet" }, " ", outside(before + skipped)));
  }
  if (subject === "account") return h("span", { class: "what" }, badge(what), " account ", outside(data["account"]), data["reason"] ? [h("span", { class: "quiet" }, " ", outside(data["reason"]))] : null);
  const endpoint = h("a", { href: linkTo("delivery", [data["endpoint"]]) }, outside(data["endpoint"]));
  if (subject === "delivery") return h("span", { class: "what" }, badge(what), " ", endpoint, h("span", { class: "quiet" }, " will not get ", outside(data["event_type"])));
  return h("span", { class: "what" }, badge(what), " endpoint ", endpoint, h("span", { class: "quiet" }, " ", outside(data["reason"], "")));
}
