// The list of what needs a person: what, since when, why, what to do, and the button that does it right there.

import { ask, pathOf, Refusal } from "../api.js";
import { h } from "../dom.js";
import { count, timeOfDay } from "../format.js";
import { ENDS } from "../meanings.js";
import { action, badge, moment, outside } from "../parts.js";
import { linkTo } from "../router.js";
import { needsOf } from "./needs.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("../types.js").Account} Account */
/** @typedef {import("../types.js").Endpoint} Endpoint */
/** @typedef {import("../types.js").Watch} Watch */
/** @typedef {import("../types.js").PageDocument} PageDocument */
/** @typedef {import("./needs.js").Group} Group */

/** How many of a group are shown before it says how many more there are. */
const SHOWN = 5;

/** @param {App} app @param {PageDocument} page */
export function needsList(app, page) {
  const { groups, hidden, total } = needsOf(page);
  const first = app.local("watched since", () => ({ at: app.now }));
  return h("section", { key: "needs", class: "needs", "aria-labelledby": "h-needs" },
    h("h2", { id: "h-needs" }, "Needs a person", total === 0 ? null : h("span", { class: "tally" }, count(total))),
    total === 0 ? well(page, first.at) : groups.map((group) => groupShown(app, group)),
    hidden === 0 ? null : h("p", { key: "hidden", class: "more" }, h("a", { href: linkTo("batches", [], { show: "attention" }) }, `${count(hidden)} more ${hidden === 1 ? "batch needs" : "batches need"} a person`)));
}

/** What is said where nobody is needed. @param {PageDocument} page @param {Date} since */
function well(page, since) {
  const accounts = Object.values(page.accounts);
  if (accounts.length === 0) return h("p", { key: "well", class: "nothing" }, "There is no account to watch for. Add one to the settings of the daemon (", h("code", null, "accounts.NAME"), ").");
  const open = accounts.reduce((sum, each) => sum + each.open, 0);
  const looked = Object.values(page.counts).some((each) => Object.keys(each).length > 0);
  if (!looked) return h("p", { key: "well", class: "nothing" }, "No batch is followed yet. ", h("a", { href: linkTo("submit") }, "Submit one, or follow some that are there"), ".");
  return h("p", { key: "well", class: "well" },
    badge("ok"), ` All is well. ${count(open)} open ${open === 1 ? "batch" : "batches"} of ${count(accounts.length)} ${accounts.length === 1 ? "account" : "accounts"} are watched; this page watches since `,
    h("time", { datetime: since.toISOString() }, timeOfDay(since)), ".");
}

/** @param {App} app @param {Group} group */
function groupShown(app, group) {
  const rest = group.items.length - SHOWN;
  return h("div", { key: `${group.kind} ${group.word}`, class: "need" },
    h("div", { class: "said" }, badge(group.word), h("h3", null, headline(group)), h("p", null, group.what, " ", h("span", { class: "quiet" }, group.remedy))),
    h("ul", null, rowsOf(app, group)),
    rest > 0 && h("p", { class: "more" }, moreOf(group, rest)));
}

/** @param {Group} group */
function headline({ kind, items }) {
  const [one, many] = { account: ["account", "accounts"], endpoint: ["endpoint", "endpoints"], watch: ["batch", "batches"] }[kind];
  return `${count(items.length)} ${items.length === 1 ? one : many}`;
}

/** @param {App} app @param {Group} group */
function rowsOf(app, group) {
  if (group.kind === "account") return group.items.slice(0, SHOWN).map((each) => accountRow(app, each));
  if (group.kind === "endpoint") return group.items.slice(0, SHOWN).map((each) => endpointRow(app, each));
  return group.items.slice(0, SHOWN).map((each) => watchRow(app, each));
}

/** @param {Group} group @param {number} rest */
function moreOf(group, rest) {
  if (group.kind === "account") return `and ${count(rest)} more, first among the accounts below`;
  return h("a", { href: group.kind === "endpoint" ? linkTo("delivery") : linkTo("batches", [], { show: "attention" }) }, `and ${count(rest)} more`);
}

/** @param {string} key @param {Child} name @param {Child} why @param {Child} when @param {Child} deeds */
function row(key, name, why, when, deeds) {
  return h("li", { key }, h("div", { class: "which" }, h("span", { class: "name" }, name), h("span", { class: "why" }, why)), h("div", { class: "when" }, when), h("div", { class: "deeds" }, deeds));
}

/** @param {App} app @param {Account} account */
function accountRow(app, account) {
  const waiting = `${count(account.open)} open ${account.open === 1 ? "batch waits" : "batches wait"}`;
  // A pause that CallFire wants is kept; and where nobody polls, nobody can be asked to.
  const canResume = app.may("admin") && account.condition !== "throttled" && account.condition !== "unpolled";
  return row(account.name, outside(account.name), [outside(account.reason, "no reason was given"), " · ", waiting],
    account.until === null ? null : [ENDS[account.condition] ?? "until", " ", moment(app, account.until)],
    canResume && action(app, `resume ${account.name}`, { label: "Resume", about: account.name, done: "Asked again.", run: (key) => ask("POST", pathOf("v1", "accounts", account.name, "resume"), { body: {}, key }) }));
}

/** @param {App} app @param {Endpoint} endpoint */
function endpointRow(app, endpoint) {
  const { health } = endpoint;
  const path = pathOf("v1", "endpoints", endpoint.id);
  const owed = endpoint.held + endpoint.pending;
  const why = [
    outside(endpoint.reason || endpoint.url),
    owed > 0 && ` · ${count(owed)} ${owed === 1 ? "event waits" : "events wait"}`,
    health.disables_at !== null && endpoint.state !== "disabled" && [" · disabled ", moment(app, health.disables_at), " if nothing succeeds"],
  ];
  return row(endpoint.id, h("a", { href: linkTo("delivery", [endpoint.id]) }, outside(endpoint.id)), why,
    health.failing_since === null ? null : ["began ", moment(app, health.failing_since)],
    app.may("write") && [
      action(app, `test ${endpoint.id}`, { label: "Test", about: endpoint.id, done: "Accepted.", run: async (key) => tested(await ask("POST", `${path}/test`, { body: {}, key })) }),
      endpoint.state === "disabled" && action(app, `enable ${endpoint.id}`, {
        label: "Enable",
        about: endpoint.id,
        sure: endpoint.held === 0 ? undefined : `${count(endpoint.held)} held ${endpoint.held === 1 ? "event is" : "events are"} sent to it then.`,
        done: "Enabled.",
        run: (key) => ask("POST", `${path}/enable`, { body: {}, key }),
      }),
    ]);
}

/** A test that was not accepted is told like a refusal: where the button is. @param {import("../types.js").Schemas["Sample"]} sample */
function tested(sample) {
  if (sample.accepted) return;
  const said = sample.code === null ? sample.error : `It answered ${sample.code}.`;
  throw new Refusal(422, { title: "Not accepted.", detail: [said, sample.detail].filter(Boolean).join(" ") });
}

/** @param {App} app @param {Watch} watch */
function watchRow(app, watch) {
  const path = pathOf("v1", "accounts", watch.account, "batches", watch.batch_id);
  const id = `${watch.account}/${watch.batch_id}`;
  const name = watch.name ?? `Batch ${watch.batch_id}`;
  return row(id, h("a", { href: linkTo("batches", [watch.account, watch.batch_id]) }, outside(name)),
    [outside(watch.account), ` · ${watch.batch_id}`, watch.broadcast_id === null ? null : ` · broadcast ${watch.broadcast_id}`],
    watch.since === null ? ["followed ", moment(app, watch.opened)] : moment(app, watch.since),
    app.may("write") && [
      watch.state === "open" && action(app, `look ${id}`, { label: "Look now", about: name, done: "Looked at.", run: (key) => ask("POST", `${path}/refresh`, { body: {}, key }) }),
      watch.state === "expired" && action(app, `again ${id}`, {
        label: "Follow again", about: name, done: "Followed.",
        run: () => ask("PUT", path, { body: { labels: watch.labels, correlation_id: watch.correlation_id, broadcast_id: watch.broadcast_id } }),
      }),
      action(app, `stop ${id}`, { label: "Stop following", about: name, sure: `Batch ${watch.batch_id} is looked at no more; its events stay.`, done: `Batch ${watch.batch_id} is followed no more.`, run: () => ask("DELETE", path) }),
    ]);
}
