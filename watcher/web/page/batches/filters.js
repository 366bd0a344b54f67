// What of the batches is shown: a search and filters. All of it is in the address, so that what somebody looks at has a link.

import { h } from "../dom.js";
import { count } from "../format.js";
import { outside } from "../parts.js";
import { linkTo } from "../router.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */

/** Rows of one page of the list: as many as the overview asks for, so that its first page comes over the same stream. */
export const ROWS = 25;
/** How long typing rests before it is searched for, in milliseconds. */
const PAUSE = 300;

/**
 * What can be chosen, with its name and what it is in the query of the stream. Those that need a person come first in the
 * order that is asked for: they are the beginning of all, not a filter of the daemon's.
 * @type {Record<string, {label: string, query: Record<string, string>, counts: string[]}>}
 */
export const SHOWN = {
  all: { label: "All", query: {}, counts: [] },
  attention: { label: "Need a person", query: {}, counts: [] },
  open: { label: "Open", query: { state: "open" }, counts: ["unseen", "new", "validating", "unknown"] },
  new: { label: "NEW", query: { status: "NEW" }, counts: ["new"] },
  validating: { label: "VALIDATING", query: { status: "VALIDATING" }, counts: ["validating"] },
  active: { label: "ACTIVE", query: { status: "ACTIVE" }, counts: ["active"] },
  errors: { label: "ERRORS", query: { status: "ERRORS" }, counts: ["errors"] },
  source_error: { label: "SOURCE ERROR", query: { status: "SOURCE_ERROR" }, counts: ["source_error"] },
  stuck: { label: "Stuck", query: { stuck: "true" }, counts: [] },
  missing: { label: "Missing", query: { state: "missing" }, counts: ["missing"] },
  expired: { label: "Expired", query: { state: "expired" }, counts: ["expired"] },
};

/** What is chosen, "all" where the address says nothing that is known. A link may also say `status` or `state`. @param {Place} place */
export function chosen(place) {
  const show = (place.query["show"] ?? place.query["state"] ?? place.query["status"] ?? "all").toLowerCase();
  return Object.hasOwn(SHOWN, show) ? show : "all";
}

/** Where the list begins. @param {Place} place */
export function offsetOf(place) {
  const offset = Number(place.query["offset"] ?? 0);
  return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}

/** The query of the stream for a list. @param {Place} place @returns {Record<string, string | number | undefined>} */
export function queryFor(place) {
  const { q, account, label } = place.query;
  return { order: "attention", limit: ROWS, offset: offsetOf(place) || undefined, q: searchFor(q), account, label, ...SHOWN[chosen(place)]?.query };
}

/** What is searched for: what cannot be seen in a text that was pasted is not looked for. @param {string | undefined} q */
const searchFor = (q = "") => q.replaceAll(/[\p{C}\p{Z}]/gu, " ").trim().slice(0, 200) || undefined;

/** The address of another list: what is shown, but for what changes; it begins at the beginning. @param {Place} place @param {Record<string, string | number | null>} changes */
export function listLink(place, changes) {
  const { q = null, account = null, label = null } = place.query;
  const show = chosen(place) === "all" ? null : chosen(place);
  return linkTo("batches", [], { q, show, account, label, ...changes });
}

/** How many there are of a choice, by the counts of the accounts that are shown; null where they do not tell. @param {App} app @param {string} choice */
export function countOf(app, choice) {
  const page = app.page;
  if (page === null || app.place.query["q"] || app.place.query["label"]) return null;
  const account = app.place.query["account"];
  const counts = Object.entries(page.counts).filter(([name]) => account === undefined || name === account).map(([, each]) => each);
  const names = SHOWN[choice]?.counts ?? [];
  if (choice === "all") return counts.reduce((sum, each) => sum + Object.values(each).reduce((all, value) => all + value, 0), 0);
  if (names.length === 0) return null;
  return counts.reduce((sum, each) => sum + names.reduce((some, name) => some + (each[name] ?? 0), 0), 0);
}

/** @param {App} app */
export function filters(app) {
  const place = app.place;
  const { account, label } = place.query;
  const known = app.local("accounts of batches", () => /** @type {Set<string>} */ (new Set())); // where one is chosen the stream tells of no other
  for (const name of [...Object.keys(app.page?.accounts ?? {}), ...(account === undefined ? [] : [account])]) known.add(name);
  const accounts = [...known].sort();
  return h("div", { class: "filters" },
    h("div", { class: "row" }, search(app), accounts.length < 2 && account === undefined ? null : accountChoice(app, accounts, account)),
    choices(app),
    label === undefined ? null : h("p", { class: "only" }, "Only with the label ", outside(label), " ", h("a", { href: listLink(place, { label: null }) }, "Show all labels")));
}

/** @param {App} app */
function search(app) {
  const typed = app.local("search of batches", () => ({ text: "", timer: /** @type {ReturnType<typeof setTimeout> | null} */ (null) }));
  if (typed.timer === null) typed.text = app.place.query["q"] ?? "";
  const go = () => {
    if (typed.timer !== null) clearTimeout(typed.timer);
    typed.timer = null;
    if (app.place.room === "batches" && app.place.steps.length < 2 && typed.text.trim() !== (app.place.query["q"] ?? "")) location.replace(listLink(app.place, { q: typed.text.trim() }));
  };
  const input = (/** @type {any} */ event) => {
    typed.text = event.target.value;
    if (typed.timer !== null) clearTimeout(typed.timer);
    typed.timer = setTimeout(go, PAUSE);
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    go();
  };
  return h("form", { class: "search", role: "search", on: { submit } },
    h("label", { for: "q" }, "Search"),
    h("input", {
      id: "q", name: "q", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 200, value: typed.text,
      placeholder: "Id, name, broadcast, label or correlation id", on: { input },
    }));
}

/** @param {App} app @param {string[]} accounts @param {string | undefined} account */
function accountChoice(app, accounts, account) {
  const change = (/** @type {any} */ event) => { location.hash = listLink(app.place, { account: event.target.value }); };
  return h("div", { class: "field" },
    h("label", { for: "account" }, "Account"),
    h("select", { id: "account", value: account ?? "", on: { change } },
      h("option", { value: "" }, "All"), accounts.map((name) => h("option", { key: name, value: name }, name))));
}

/** @param {App} app */
function choices(app) {
  const now = chosen(app.place);
  return h("nav", { class: "choices", "aria-label": "Show" }, Object.entries(SHOWN).map(([name, { label }]) => {
    const many = name === "attention" ? attentionOf(app, now) : countOf(app, name);
    const isThere = name === "all" || name === "attention" || name === "open" || name === now || many !== 0;
    return isThere && h("a", { key: name, href: listLink(app.place, { show: name === "all" ? null : name }), "aria-current": name === now ? "true" : null, class: name === "attention" && (many ?? 0) > 0 ? "urgent" : null },
      label, many === null ? null : [" ", h("span", { class: "many" }, count(many))]);
  }));
}

/** How many need a person: told only of what is shown. @param {App} app @param {string} now */
function attentionOf(app, now) {
  return app.fits && (now === "all" || now === "attention") ? app.page?.attention ?? null : null;
}
