// The accounts: how each stands, what of its budget is used, and what its polling brings.

import { ask, pathOf } from "../api.js";
import { h } from "../dom.js";
import { field } from "../fields.js";
import { count, duration, figure, percent, rate as paced } from "../format.js";
import { ENDS } from "../meanings.js";
import { badge, disclosure, moment, nothing, outside, pager, problemBox, table } from "../parts.js";
import { linkTo } from "../router.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Account} Account */
/** @typedef {import("../types.js").Schemas["AccountDetails"]} AccountDetails */
/** @typedef {import("../types.js").Place} Place */

const ROWS = 10;
/** Trouble first, the worst before. */
const ORDER = ["refused", "down", "unpolled", "paused", "throttled"];

/** Those in trouble first, the rest as in the settings; only those whose name has the text in it. @param {Account[]} accounts @param {string} text */
export function arranged(accounts, text) {
  const sought = text.trim().toLowerCase();
  const found = sought === "" ? accounts : accounts.filter((each) => each.name.toLowerCase().includes(sought));
  return [...ORDER, null].flatMap((condition) => found.filter((each) => condition === null ? !ORDER.includes(each.condition) : each.condition === condition));
}

/** @param {App} app @param {import("../types.js").PageDocument} page @param {Place} place */
export function accounts(app, page, place) {
  const all = Object.values(page.accounts);
  if (all.length === 0) return nothing("No account.");
  const sought = app.local("account sought", () => ({ text: "" }));
  const opened = app.local("accounts opened", () => /** @type {Set<string>} */ (new Set()));
  const found = arranged(all, sought.text);
  const offset = Math.min(Math.max(Number(place.query["accounts"]) || 0, 0), Math.max(Math.ceil(found.length / ROWS) - 1, 0) * ROWS);
  return [
    all.length <= ROWS ? null : field("account-sought", "Find an account", h("input", {
      id: "account-sought", type: "search", value: sought.text, autocomplete: "off",
      on: { input: (event) => { sought.text = event.target.value; app.update(); } },
    })),
    found.length === 0 ? nothing("No account has that in its name.") : table("Accounts, those in trouble first", columns(app, opened), found.slice(offset, offset + ROWS), (row) => row.name, (row) => opened.has(row.name) && rank(app, row)),
    found.length <= ROWS ? null : pager({ offset, limit: ROWS, total: found.length, more: false, link: (at) => linkTo("overview", [], { accounts: at === 0 ? null : at }) }),
  ];
}

/** @param {App} app @param {Set<string>} opened @returns {{name: string, cell: (row: Account) => import("../types.js").Child, class?: string}[]} */
function columns(app, opened) {
  /** @param {Account} row */
  const toggle = (row) => {
    if (!opened.delete(row.name)) {
      opened.add(row.name);
      void app.fetch(`account ${row.name}`, (signal) => ask("GET", pathOf("v1", "accounts", row.name), { signal }));
    }
    app.update();
  };
  return [
    {
      name: "Account", cell: (row) => disclosure(opened.has(row.name), () => toggle(row), outside(row.name)),
    },
    { name: "State", class: "state", cell: (row) => h("div", null, badge(row.condition), row.condition !== "ok" && h("div", { class: "hint" }, outside(row.reason, ""), row.until === null ? "" : [` · ${ENDS[row.condition] ?? "until"} `, moment(app, row.until)])) },
    { name: "Budget", cell: (row) => budget(row) },
    { name: "Looks per request", class: "number", cell: (row) => row.looks_per_request === null ? h("span", { class: "quiet" }, "–") : figure(row.looks_per_request) },
    { name: "StreamRank", class: "number", cell: (row) => row.change_percentage === null ? h("span", { class: "quiet" }, "–") : percent(row.change_percentage / 100) },
    { name: "Open", class: "number", cell: (row) => count(row.open) },
    { name: "Overdue", class: "number", cell: (row) => row.overdue === 0 ? "0" : h("strong", { class: "late" }, count(row.overdue)) },
    { name: "In flight", class: "number", cell: (row) => count(row.in_flight) },
  ];
}

/**
 * How much of the budget is used, as a bar: its whole length is what is configured, the mark what may be used now, the filled
 * part what was used over the last minute. The same is said in figures beside it.
 * @param {Account} account
 */
export function budget({ rate, effective_rate: effective, used }) {
  const isLess = effective < rate;
  const words = `${paced(used)} of ${figure(effective)}/s${isLess ? `, ${figure(rate)} configured` : ""}`;
  /** @param {number} value */
  const share = (value) => String(rate > 0 ? Math.min(Math.max(value / rate, 0), 1) : 0);
  return h("div", { class: "budget" },
    h("div", { class: "gauge", "aria-hidden": "true", vars: { "--used": share(used), "--may": share(effective) } }, isLess && h("span", { key: "withheld", class: "withheld" }), h("span", { key: "used", class: "used" })),
    h("span", { class: "figures" }, words));
}

/** The account's StreamRank. @param {App} app @param {Account} account */
function rank(app, account) {
  const { data, problem } = /** @type {import("../types.js").Fetched<AccountDetails>} */ (app.fetched(`account ${account.name}`));
  if (problem !== null) return problemBox(problem);
  if (data === null) return h("p", { class: "quiet" }, "…");
  const { streamrank: figures } = data;
  const isDelivered = figures.streaming_total_time_average > 0;
  if (figures.last_run === "") return h("p", { class: "quiet" }, "It was not polled yet.");
  /** @type {[string, string][]} */
  const said = [
    ["Looks with another status", `${count(figures.change_yes)} of ${count(figures.change_yes + figures.change_no)}`],
    ["A request takes", `${duration(figures.polling_total_time_average)}, ${bytes(figures.polling_size_download_average)}`],
    ["An event takes", figures.streaming_size_download_average === 0 ? "–" : `${isDelivered ? duration(figures.streaming_total_time_average) : "–"}, ${bytes(figures.streaming_size_download_average)}`],
    ["Who is told saves", `${isDelivered ? percent(figures.time_percentage / 100) : "–"} of the time, ${percent(figures.size_percentage / 100)} of the bytes`],
    ["Polled in", `${count(figures.minute_run)} min on ${count(figures.days_run)} d`],
  ];
  return h("div", { class: "rank" }, h("h3", null, "StreamRank"), h("dl", null, said.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value)))));
}

/** @param {number} value */
const bytes = (value) => value < 1000 ? `${count(value)} B` : `${figure(value / 1000)} kB`;
