// The batches in their order: those that need a person, then those that end soonest, then the rest.

import { h } from "../dom.js";
import { exact } from "../format.js";
import { moment, nothing, outside, pager, table } from "../parts.js";
import { linkTo } from "../router.js";
import { etaShown } from "./eta.js";
import { chosen, filters, listLink, offsetOf, ROWS } from "./filters.js";
import { contacts, labelList, statuses } from "./shown.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Watch} Watch */
/** @typedef {import("../types.js").PageDocument} PageDocument */
/** @typedef {{key: string, account: string, id: string, watch: Watch, changed: boolean, gone: boolean}} Row */

/** How long a row that changed is marked, in milliseconds. */
const MARKED = 6000;
const SHOWN_LABELS = 4;
/** Under what name the room keeps what it remembers of the rows. */
export const MEMORY = "rows of batches";

/**
 * What is remembered between drawings: how each row was, and the order that stays while somebody points at it.
 * @typedef {{seen: Map<string, {said: string, at: number}>, isHeld: boolean, order: string[], rows: Map<string, Watch>, asked: string}} Memory
 */

/** Nobody remembers anything yet. @returns {Memory} */
export const freshMemory = () => ({ seen: new Map(), isHeld: false, order: [], rows: new Map(), asked: "" });

/**
 * The rows to show. While the order is held they stay where they are, so that nobody opens another than the one pointed at;
 * those that are not among the first any more stay too, as they were.
 * @param {PageDocument} page
 * @param {Memory} memory
 * @param {{asked: string, now: number, most: number}} what `asked` is what the list is of: another list is not held
 * @returns {Row[]}
 */
export function rowsOf(page, memory, { asked, now, most }) {
  const order = (page.order ?? Object.keys(page.watches)).slice(0, most);
  if (!memory.isHeld || memory.asked !== asked) {
    memory.order = order;
    if (memory.asked !== asked) memory.seen.clear(); // what is new on the screen has not changed
    memory.asked = asked;
    for (const key of memory.rows.keys()) if (!Object.hasOwn(page.watches, key)) memory.rows.delete(key);
    for (const key of memory.seen.keys()) if (!Object.hasOwn(page.watches, key)) memory.seen.delete(key);
  }
  return memory.order.flatMap((key) => {
    const watch = page.watches[key] ?? memory.rows.get(key);
    if (watch === undefined) return [];
    memory.rows.set(key, watch);
    const slash = key.lastIndexOf("/"); // the id as it is written there: not every one is a number that JavaScript has
    const said = `${watch.status}/${watch.state}/${watch.attention}`;
    const before = memory.seen.get(key);
    if (before?.said !== said) memory.seen.set(key, { said, at: before === undefined ? -Infinity : now });
    const changed = now - (memory.seen.get(key)?.at ?? -Infinity) < MARKED;
    return [{ key, account: key.slice(0, slash), id: key.slice(slash + 1), watch, changed, gone: !Object.hasOwn(page.watches, key) }];
  });
}

/** @param {App} app */
export function list(app) {
  return [filters(app), app.page === null ? null : h("div", { key: "list" }, found(app, app.page))];
}

/** @param {App} app @param {PageDocument} page */
function found(app, page) {
  const memory = app.local(MEMORY, freshMemory);
  const offset = offsetOf(app.place);
  const attention = page.attention ?? 0;
  const isCut = chosen(app.place) === "attention"; // they are the first of all
  const total = isCut ? attention : page.total;
  const most = isCut ? Math.max(attention - offset, 0) : ROWS;
  const rows = rowsOf(page, memory, { asked: JSON.stringify([app.place.query, app.fits]), now: app.now.getTime(), most: Math.min(most, ROWS) });
  if (rows.length === 0) return app.fits ? empty(app, offset) : null;
  const many = Object.keys(page.accounts).length > 1;
  const held = (/** @type {boolean} */ isHeld) => () => {
    memory.isHeld = isHeld;
    app.update();
  };
  const waits = memory.isHeld && memory.order.join() !== (page.order ?? []).slice(0, most).join();
  return [
    h("div", { class: "batches", on: { pointerenter: held(true), pointerleave: held(false), focusin: held(true), focusout: held(false) } },
      table("Batches, those that need a person first", columns(app, many), rows, (row) => row.key, undefined,
        (row) => ({ reuse: "yes", class: [row.changed && "changed", row.gone && "gone"].filter(Boolean).join(" ") || null }))),
    h("div", { class: "after-list" },
      pager({ offset, limit: ROWS, total, more: !isCut && page.more && total === undefined, link: (to) => listLink(app.place, { offset: to || null }) }),
      h("p", { class: "hint" }, waits ? "Others come first now. The order is kept while you point at it." : "")),
  ];
}

/** @param {App} app @param {boolean} many accounts @returns {{name: string, cell: (row: Row) => import("../types.js").Child, class?: string}[]} */
function columns(app, many) {
  return [
    { name: "Batch", class: "what", cell: (row) => named(app, row, many) },
    { name: "Status", class: "state", cell: ({ watch }) => h("div", { class: "badges" }, statuses(watch)) },
    { name: "Since", class: "time", cell: ({ watch }) => moment(app, watch.since) },
    { name: "Contacts", class: "contacts number", cell: ({ watch }) => contacts(watch) },
    { name: "Ready (50–90 %)", class: "ready", cell: ({ watch }) => etaShown(app, watch.eta) },
    { name: "Last look", class: "time", cell: ({ watch }) => moment(app, watch.last_look?.answered) },
    { name: "Next look", class: "time", cell: ({ watch }) => next(app, watch) },
  ];
}

/** @param {App} app @param {Row} row @param {boolean} many */
function named(app, row, many) {
  const { watch, account, id } = row;
  const ids = [watch.name ? id : null, watch.broadcast_id === null ? null : `broadcast ${watch.broadcast_id}`, many ? outside(account) : null].filter((each) => each !== null);
  const labels = Object.entries(watch.labels);
  return h("div", null,
    h("a", { class: "name", href: linkTo("batches", [account, id]) }, watch.name ? outside(watch.name) : `Batch ${id}`),
    h("div", { class: "ids" }, h("span", null, ids.map((each, index) => [index === 0 ? "" : " · ", each])), labels.length === 0 ? null : labelList(labels.slice(0, SHOWN_LABELS), (label) => listLink(app.place, { label }), labels.length - SHOWN_LABELS)));
}

/** @param {App} app @param {Watch} watch */
function next(app, watch) {
  if (watch.state !== "open") return h("span", { class: "quiet" }, "none");
  if (watch.next_look !== null && Date.parse(watch.next_look) <= app.now.getTime()) return h("time", { datetime: watch.next_look, title: exact(watch.next_look) }, "due");
  return moment(app, watch.next_look);
}

/** @param {App} app @param {number} offset */
function empty(app, offset) {
  const { q, account, label } = app.place.query;
  if (offset > 0) return nothing("There are not so many. ", h("a", { href: listLink(app.place, { offset: null }) }, "To the first ones"));
  if (q || label) return nothing("Nothing followed is like that. It may not be followed: ", h("a", { href: linkTo("submit") }, "follow it by its id"), ", or ", h("a", { href: linkTo("batches") }, "show all"), ".");
  if (chosen(app.place) === "attention") return nothing("Nothing needs you. ", h("a", { href: listLink(app.place, { show: null }) }, "Show all batches"));
  if (chosen(app.place) !== "all" || account) return nothing("There is none at present. ", h("a", { href: linkTo("batches") }, "Show all batches"));
  return nothing("No batch is followed yet. ", h("a", { href: linkTo("submit") }, app.may("submit") ? "Submit one, or follow what is at CallFire" : "Follow one by its id"), ".");
}
