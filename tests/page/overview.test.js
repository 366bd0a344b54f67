// The overview's decisions: who needs a person and in which order, which accounts come first, what is counted, and which events
// are read to show the last ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCOUNTS } from "../../watcher/web/page/meanings.js";
import { arranged, budget } from "../../watcher/web/page/overview/accounts.js";
import { changes, followChanges, latest } from "../../watcher/web/page/overview/changes.js";
import { endpointWord, needsOf } from "../../watcher/web/page/overview/needs.js";
import { needsList } from "../../watcher/web/page/overview/needs_list.js";
import { listed, totals } from "../../watcher/web/page/overview/statuses.js";
import { toneOf } from "../../watcher/web/page/parts.js";

const NOW = new Date("2026-11-26T12:00:00Z");
const account = (name, condition = "ok") => ({ name, condition, reason: "", until: null, open: 3 });
const endpoint = (id, more = {}) => ({ id, state: "active", condition: "active", reason: "", url: "http://127.0.0.1/", held: 0, pending: 0, health: { disables_at: null, failing_since: null }, ...more });
const watch = (batch_id, attention, state = "open") => ({
  account: "default", batch_id, attention, state, name: null, broadcast_id: 7, since: null, opened: "2026-11-26T11:00:00Z", labels: { team: "blue" }, correlation_id: "order-7",
});

function pageOf({ accounts = [account("default")], endpoints = [], watches = [], attention = watches.length, counts = {} } = {}) {
  const named = watches.map((each) => [`${each.account}/${each.batch_id}`, each]);
  return {
    accounts: Object.fromEntries(accounts.map((each) => [each.name, each])), endpoints: Object.fromEntries(endpoints.map((each) => [each.id, each])),
    watches: Object.fromEntries(named), order: named.map(([name]) => name), attention, total: watches.length, more: false, counts, position: 0,
  };
}

const appOf = (page, scopes) => ({
  page, now: NOW, actions: new Map(), update() {}, announce() {}, may: (scope) => scopes.includes(scope), local: (_, make) => make(), fetched: () => ({ data: null, problem: null }),
});

/** All of a tag in what is drawn. */
function all(tag, child, found = []) {
  if (Array.isArray(child)) for (const each of child) all(tag, each, found);
  else if (child !== null && typeof child === "object") {
    if (child.tag === tag) found.push(child);
    all(tag, child.children, found);
  }
  return found;
}

const textOf = (child) => typeof child === "string" ? child : (child.children ?? []).map(textOf).join("");

test("what is the same with several is said once, and what most depends on comes first", () => {
  const page = pageOf({
    accounts: [account("a", "throttled"), account("b"), account("c", "refused"), account("d", "throttled")],
    endpoints: [endpoint("crm", { condition: "open" }), endpoint("old", { state: "disabled", condition: "disabled" })],
    watches: [watch(5, "stuck"), watch(4, "errors"), watch(3, "stuck"), watch(2, null)],
    attention: 9,
  });
  const { groups, hidden, total } = needsOf(page);
  assert.deepEqual(groups.map(({ kind, word, items }) => [kind, word, items.map((each) => each.name ?? each.id ?? each.batch_id)]), [
    ["account", "refused", ["c"]], ["account", "throttled", ["a", "d"]],
    ["endpoint", "disabled", ["old"]], ["endpoint", "open", ["crm"]],
    ["watch", "errors", [4]], ["watch", "stuck", [5, 3]],
  ]);
  assert.deepEqual([hidden, total], [6, 14]);
});

test("every need says what it is and what to do, also one that this page does not know", () => {
  const { groups } = needsOf(pageOf({ watches: [watch(1, "something new")] }));
  assert.deepEqual(groups.map(({ word }) => word), ["something new"]);
  assert.ok(groups.every(({ what, remedy }) => what !== "" && remedy !== ""));
});

test("an endpoint that is at work but needs a person is failing", () => {
  assert.deepEqual([endpoint("a"), endpoint("b", { condition: "open" }), endpoint("c", { state: "disabled" })].map(endpointWord), ["failing", "open", "disabled"]);
});

test("who may only read sees no buttons, and who may not administrate cannot resume an account", () => {
  const page = pageOf({ accounts: [account("a", "refused")], endpoints: [endpoint("crm", { state: "disabled" })], watches: [watch(1, "expired", "expired"), watch(2, "stuck")] });
  const buttons = (...scopes) => all("button", needsList(appOf(page, scopes), page)).map(textOf);
  assert.deepEqual(buttons("read"), []);
  assert.deepEqual(buttons("read", "write"), ["Test", "Enable", "Follow again", "Stop following", "Look now", "Stop following"]);
  assert.deepEqual(buttons("read", "admin"), ["Resume"]);
});

test("a pause that CallFire asked for has no button that could not end it", () => {
  const page = pageOf({ accounts: [account("a", "throttled")] });
  assert.deepEqual(all("button", needsList(appOf(page, ["admin"]), page)), []);
});

test("an account that no replica polls is known, and has no button that could not help it", () => {
  const page = pageOf({ accounts: [account("a", "unpolled"), account("b", "down"), account("c", "paused")] });
  assert.deepEqual(needsOf(page).groups.map(({ word, what }) => [word, what]), ["down", "unpolled", "paused"].map((word) => [word, ACCOUNTS[word]?.what]));
  assert.deepEqual(arranged(Object.values(page.accounts), "").map((each) => each.name), ["b", "a", "c"]);
  assert.equal(toneOf("unpolled"), "bad");
  const alone = pageOf({ accounts: [account("a", "unpolled")] });
  assert.deepEqual(all("button", needsList(appOf(alone, ["admin"]), alone)), []);
});

test("a watch that ran out of time is followed again as it was", async (context) => {
  const asked = [];
  context.mock.method(globalThis, "fetch", async (path, how) => {
    asked.push([how.method, path, JSON.parse(how.body)]);
    return Response.json({});
  });
  context.mock.method(globalThis, "setTimeout", () => 0);
  globalThis.requestAnimationFrame = () => 0;
  globalThis.Element ??= class {};
  const page = pageOf({ watches: [watch(9, "expired", "expired")] });
  const [again] = all("button", needsList(appOf(page, ["write"]), page));
  await again.props.on.click({ currentTarget: null });
  assert.deepEqual(asked, [["PUT", "/v1/accounts/default/batches/9", { labels: { team: "blue" }, correlation_id: "order-7", broadcast_id: 7 }]]);
});

test("when all is well it says so, and what is watched since when; where there is nothing it says what to do", () => {
  const words = (page) => textOf(needsList(appOf(page, ["read"]), page));
  assert.match(words(pageOf({ counts: { default: { active: 5 } } })), /All is well\. 3 open batches of 1 account are watched; this page watches since .+\./);
  assert.match(words(pageOf()), /No batch is followed yet\. Submit one/);
  assert.match(words(pageOf({ accounts: [] })), /no account to watch for\. Add one to the settings/);
});

test("what the stream does not show of those that need a person is counted", () => {
  const page = pageOf({ watches: [watch(1, "errors")], attention: 1201 });
  assert.match(textOf(needsList(appOf(page, []), page)), /1,200 more batches need a person/);
});

test("accounts in trouble come first, the rest as in the settings; a name is found whatever its letters' case", () => {
  const given = [account("North"), account("east", "throttled"), account("south"), account("west", "refused"), account("far", "unheard of")];
  assert.deepEqual(arranged(given, "").map((each) => each.name), ["west", "east", "North", "south", "far"]);
  assert.deepEqual(arranged(given, " oR ").map((each) => each.name), ["North"]);
});

test("the budget is drawn as shares of what is configured, and said in figures", () => {
  const shown = (rate, effective_rate, used) => budget({ rate, effective_rate, used });
  const whole = shown(5, 5, 1);
  assert.deepEqual([all("div", whole)[1].props.vars, textOf(whole)], [{ "--used": "0.2", "--may": "1" }, "1.00 of 5/s"]);
  const less = shown(4, 1, 6);
  assert.deepEqual([all("div", less)[1].props.vars, textOf(less)], [{ "--used": "1", "--may": "0.25" }, "6.00 of 1/s, 4 configured"]);
});

test("batches are counted over all accounts, in the order of their life, what nobody knows last", () => {
  const counts = { a: { active: 2, errors: 1, PAUSED: 1 }, b: { active: 3, missing: 4 } };
  assert.deepEqual(totals(counts), [["new", 0], ["validating", 0], ["active", 5], ["errors", 1], ["missing", 4], ["PAUSED", 1]]);
  assert.deepEqual(["active", "missing", "unseen", "PAUSED"].map(listed), ["#/batches?status=active", "#/batches?state=missing", "#/batches?show=open", "#/batches?show=attention"]);
});

/** A log of these positions, and what was asked of it. */
function log(positions) {
  const asked = [];
  const read = async ({ after, limit }) => {
    asked.push([after, limit]);
    const items = positions.filter((each) => each > after).slice(0, limit).map((position) => ({ position }));
    return { items, next: items.at(-1)?.position ?? after };
  };
  return { asked, read };
}

const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("the last events are read from the end of the log, in one request", async () => {
  const { asked, read } = log(upTo(5000));
  const found = await latest([], 5000, read);
  assert.deepEqual([found.map((each) => each.position), asked], [upTo(5000, 4989).reverse(), [[4988, 12]]]);
});

test("where one may see few of the events it looks further back, once", async () => {
  const { asked, read } = log([4100, 4500, 4999]);
  const found = await latest([], 5000, read);
  assert.deepEqual([found.map((each) => each.position), asked], [[4999, 4500, 4100], [[4988, 12], [4000, 1000]]]);
});

test("afterwards only what is new is read, and joins what was known", async () => {
  const { asked, read } = log(upTo(5003));
  const known = upTo(5000, 4989).reverse().map((position) => ({ position }));
  const found = await latest(known, 5003, read);
  assert.deepEqual([found.map((each) => each.position), asked], [upTo(5003, 4992).reverse(), [[5000, 12]]]);
});

test("nothing is left out between what was known and what is new", async () => {
  const { asked, read } = log([10, 700, 800, 999]);
  const found = await latest([{ position: 10 }], 1000, read);
  assert.deepEqual([found.map((each) => each.position), asked], [[999, 800, 700, 10], [[988, 12], [10, 1000]]]);
});

test("of another log nothing that was known is shown", async () => {
  const { read } = log(upTo(3));
  assert.deepEqual((await latest([{ position: 900 }], 3, read)).map((each) => each.position), [3, 2, 1]);
});

test("a log that is empty is asked once", async () => {
  const { asked, read } = log([]);
  assert.deepEqual([await latest([], 0, read), asked], [[], [[0, 12]]]);
});

test("the last changes are read when the log has grown, not more than every few seconds, and not under a hand", (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: NOW });
  const seen = { visibilityState: "visible" };
  Object.assign(globalThis, { document: seen });
  const reading = { position: -1, at: 0, held: false };
  let read = 0;
  const event = { position: 1, timestamp: NOW.toISOString(), type: "account.recovered", data: { account: "north" } };
  const app = /** @type {any} */ ({
    page: { position: 1 }, connection: { problem: null }, now: NOW, local: () => reading,
    fetched: () => ({ data: [event], problem: null, loading: false }), fetch: async () => { read += 1; },
  });
  const hand = () => /** @type {any} */ (changes(app)).at(-1).props.on;
  /** How often it was read when the log is there and so many milliseconds have passed. @param {number} position @param {number} passed */
  const readings = (position, passed) => {
    app.page.position = position;
    t.mock.timers.tick(passed);
    return read;
  };
  const end = followChanges(app);
  assert.deepEqual([readings(1, 100), readings(1, 9000), readings(2, 100), readings(3, 2000), readings(3, 1000)], [1, 1, 2, 2, 3]);
  hand().mouseenter();
  assert.equal(readings(4, 9000), 3);
  hand().mouseleave();
  assert.equal(readings(4, 100), 4);
  seen.visibilityState = "hidden";
  assert.equal(readings(5, 9000), 4);
  seen.visibilityState = "visible";
  end();
  assert.equal(readings(6, 9000), 4);
});
