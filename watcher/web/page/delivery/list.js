// All endpoints, those in trouble first: how each stands, how the last hour went, and what waits.

import { queryOf } from "../api.js";
import { h } from "../dom.js";
import { count, duration, percent, timeOfDay } from "../format.js";
import { badge, moment, nothing, outside, problemBox, table, turning } from "../parts.js";
import { linkTo } from "../router.js";
import { sparkline } from "../svg.js";
import { load } from "./load.js";
import { inAll, knownSince, minutes, newest, shares } from "./recent.js";
import { goesOn, inOrder, standing } from "./standing.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Endpoint} Endpoint */
/** @typedef {import("../types.js").Place} Place */

const LIMIT = 50;
/** What is less was better looked at. */
const GOOD_SHARE = 0.95;

/** @param {App} app @param {Place} place */
export function endpointList(app, place) {
  const { cursor } = place.query;
  const { data, problem } = /** @type {import("../types.js").Fetched<{document: import("../types.js").Schemas["EndpointPage"], etag: string}>} */ (
    load(app, "endpoints", `/v1/endpoints${queryOf({ recent: true, limit: LIMIT, cursor })}`));
  if (data === null) return problem === null ? nothing("Loading…") : problemBox(problem);
  const { items, next } = data.document;
  const elsewhere = cursor === undefined && next !== null ? inTrouble(app, items) : [];
  const rows = inOrder([...items, ...elsewhere]);
  if (rows.length === 0) {
    return nothing(app.session?.accounts ? "No endpoint is for the accounts of this token alone, and it sees no other. " : "No endpoint yet: nobody is sent webhooks. ",
      app.may("write") ? h("a", { href: linkTo("delivery", [], { make: "yes" }) }, app.session?.accounts ? "Make one." : "Make the first one.") : "A token with the scope write can make one.");
  }
  return [
    problemBox(problem),
    table("Endpoints", [
      { name: "Endpoint", class: "endpoint", cell: name },
      { name: "State", cell: (row) => state(app, row) },
      { name: "Accepted, 1 h", cell: accepted },
      { name: "95 % within", cell: latency },
      { name: "Backlog", cell: (row) => backlog(app, row) },
    ], rows, (row) => row.id),
    turning(cursor, next, (to) => linkTo("delivery", [], { ...place.query, cursor: to })),
  ];
}

/** Those that need somebody and are not among the rows, as the stream tells of them. @param {App} app @param {Endpoint[]} items */
function inTrouble(app, items) {
  const here = new Set(items.map((item) => item.id));
  return Object.values(app.page?.endpoints ?? {}).filter((endpoint) => !here.has(endpoint.id));
}

/** @param {Endpoint} row */
function name(row) {
  return h("div", null,
    h("a", { class: "strong", href: linkTo("delivery", [row.id]) }, outside(row.id)),
    row.description === "" ? null : h("div", null, outside(row.description)),
    h("div", { class: "quiet small" }, outside(row.url)));
}

/** @param {App} app @param {Endpoint} row */
function state(app, row) {
  const { failures_in_a_row: failures } = row.health;
  return h("div", null, badge(standing(row)),
    row.reason === "" ? failures > 0 && h("div", { class: "small quiet" }, `${count(failures)} failed in a row`) : h("div", { class: "small" }, outside(row.reason)),
    row.until === null ? null : h("div", { class: "small quiet" }, goesOn(row), " ", moment(app, row.until)));
}

/** @param {Endpoint} row */
function accepted({ recent }) {
  const hour = recent === null ? null : minutes(recent);
  const { done, failed, share } = hour === null ? { done: 0, failed: 0, share: null } : inAll(hour);
  const since = recent === null ? null : knownSince(recent);
  const from = since === null ? "" : ` since ${timeOfDay(since)}`;
  if (hour === null || share === null) return h("span", { class: "quiet" }, hour === null ? "not known" : `nothing sent${from}`);
  return h("div", { class: "sparked" },
    sparkline(shares(hour), { most: 1, label: `${percent(share)} of ${count(done + failed)} attempts accepted`, class: share < GOOD_SHARE ? "worse" : "" }),
    h("span", { class: "figure" }, percent(share)), h("span", { class: "figure small quiet" }, `of ${count(done + failed)}${from}`));
}

/** @param {Endpoint} row */
function latency({ recent }) {
  const values = recent === null ? [] : minutes(recent).map((minute) => minute.p95);
  const last = newest(values);
  if (last === null) return h("span", { class: "quiet" }, "–");
  return h("div", { class: "sparked" }, sparkline(values, { label: `95 % within ${duration(last)} at last` }), h("span", { class: "figure" }, duration(last)));
}

/** @param {App} app @param {Endpoint} row */
function backlog(app, row) {
  if (row.pending + row.held + row.dead === 0) return h("span", { class: "quiet" }, "none");
  /** @param {"pending" | "held" | "dead"} what */
  const link = (what) => row[what] > 0 && h("a", { key: what, class: what === "dead" ? "ill" : "", href: linkTo("delivery", [row.id], { state: what }) }, `${count(row[what])} ${what}`);
  return h("div", { class: "backlog" }, link("pending"), link("held"), link("dead"),
    row.oldest === null ? null : h("span", { class: "small quiet" }, "oldest ", moment(app, row.oldest)));
}
