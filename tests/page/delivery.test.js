// What the room `delivery` makes of what it is told, without a browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { heldRows } from "../../watcher/web/page/deliveries.js";
import { bodyOf, changesOf, empty, errorsAt, faultsOf, fieldsOf, pointerStep } from "../../watcher/web/page/delivery/body.js";
import { EVENTS } from "../../watcher/web/page/delivery/events.js";
import { inAll, knownSince, minutes, newest, roundAbove, shares } from "../../watcher/web/page/delivery/recent.js";
import { goesOn, health, inOrder, standing } from "../../watcher/web/page/delivery/standing.js";

const SINCE = "2026-11-23T08:58:00.000Z";
const CALM = { failures_in_a_row: 0, failing_since: null, failed: 0, exhausted: 0, disables_at: null, breaker: { state: "closed", opened: 0, open_until: null } };
const ENDPOINT = {
  id: "crm", url: "https://crm.example/hooks", description: "the CRM", types: ["batch.*"], accounts: ["east"], broadcasts: [7, 8], labels: { campaign: "autumn" },
  signatures: ["v1"], ordering: "none", form: "plain", rate: 2.5, concurrency: 4, timeout: 15, headers: ["X-Tenant"], authorization: "bearer",
  state: "active", condition: "active", reason: "", until: null, dead: 0, health: CALM,
};

/** @param {Record<string, unknown>} changes @returns {any} */
const endpoint = (changes = {}) => ({ ...ENDPOINT, ...changes });

test("the choices of the form are all types of events there are", () => {
  const { components } = JSON.parse(readFileSync(new URL("../../deploy/openapi.json", import.meta.url), "utf8"));
  const [{ items }] = components.schemas.EndpointBody.properties.types.anyOf;
  const offered = EVENTS.flatMap(([group, types]) => [`${group}.*`, ...types]);
  assert.deepEqual([...offered, "*"].sort(), [...items.enum].sort());
});

test("of a new endpoint only what is not as usual is said", () => {
  assert.deepEqual(bodyOf({ ...empty(), url: " https://crm.example/hooks " }), { url: "https://crm.example/hooks" });
  assert.deepEqual(bodyOf(empty()), { url: "" });
});

test("a full form is a full body", () => {
  const fields = {
    ...empty(), url: "https://crm.example/hooks", id: "crm", description: "the CRM", types: ["batch.*"], accounts: ["east"], broadcasts: "7, 8;9",
    labels: [{ name: " campaign ", value: "autumn" }, { name: "", value: "" }], signatures: ["v1", "v1a"], ordering: "batch", form: "cloudevents",
    rate: "2.5", concurrency: "1", timeout: "10s", headers: [{ name: "X-Tenant", value: "7" }], credentials: /** @type {const} */ ("basic"), username: "watcher", password: "p", verification: "ping",
  };
  assert.deepEqual(bodyOf(fields), {
    url: "https://crm.example/hooks", id: "crm", description: "the CRM", types: ["batch.*"], accounts: ["east"], broadcasts: [7, 8, 9],
    labels: { campaign: "autumn" }, signatures: ["v1", "v1a"], ordering: "batch", form: "cloudevents",
    rate: 2.5, concurrency: 1, timeout: "10s", headers: { "X-Tenant": "7" }, authorization: { basic: { username: "watcher", password: "p" } }, verification: "ping",
  });
  assert.deepEqual(bodyOf({ ...empty(), credentials: "bearer", bearer: "token" }).authorization, { bearer: "token" });
});

test("what is no number is sent as it was written, so that the API says what is wrong with it", () => {
  const { rate, concurrency, broadcasts } = bodyOf({ ...empty(), rate: "fast", concurrency: "-1", broadcasts: "12 autumn" });
  assert.deepEqual([rate, concurrency, broadcasts], ["fast", "-1", [12, "autumn"]]);
});

test("a form that nobody touched changes nothing", () => {
  assert.deepEqual(changesOf(fieldsOf(endpoint()), fieldsOf(endpoint())), {});
});

test("a change says what is another, and null for what is to be as usual", () => {
  const before = fieldsOf(endpoint());
  const fields = { ...fieldsOf(endpoint()), description: "", timeout: "20", labels: [{ name: "campaign", value: "winter" }], rate: "", types: [] };
  assert.deepEqual(changesOf(before, fields), { description: null, timeout: 20, labels: { campaign: "winter" }, rate: null, types: null });
});

test("headers and credentials stay as they are until something is chosen", () => {
  const before = fieldsOf(endpoint());
  assert.deepEqual(changesOf(before, { ...before, headersAre: "set", credentials: "none" }), { headers: null, authorization: null });
  assert.deepEqual(changesOf(before, { ...before, headersAre: "set", headers: [{ name: "X-Tenant", value: "8" }] }), { headers: { "X-Tenant": "8" } });
  assert.deepEqual(changesOf(before, { ...before, credentials: "bearer", bearer: "new" }), { authorization: { bearer: "new" } });
});

test("a URL whose query is not shown is changed as a whole or not at all", () => {
  const before = fieldsOf(endpoint({ url: "https://crm.example/hooks?…" }));
  assert.deepEqual([before, { ...before, url: "https://crm.example/new?key=1" }].map((fields) => faultsOf(before, fields)), [[], []]);
  assert.deepEqual(faultsOf(before, { ...before, url: "https://crm.example/new?…" }).map((fault) => fault.pointer), ["/url"]);
});

test("a refusal stands where its pointer leads, and where it leads beneath", () => {
  const [url, label, other] = [{ pointer: "/url", message: "a" }, { pointer: "/labels/a~1b", message: "b" }, { pointer: "/labelsmith", message: "c" }];
  const errors = [url, label, other, { message: "nowhere" }];
  assert.deepEqual([errorsAt(errors, "/url"), errorsAt(errors, "/labels"), errorsAt(errors, `/labels/${pointerStep("a/b")}`)], [[url], [label], [label]]);
});

test("an hour has sixty minutes, also where the daemon began later", () => {
  const hour = minutes({ since: SINCE, step: 60, done: [1, 2], failed: [0, 2], p50: [0.1, null], p95: [0.2, null] });
  assert.equal(hour.length, 60);
  assert.deepEqual(hour.slice(-3), [
    { at: new Date("2026-11-23T08:57:00Z"), done: 0, failed: 0, p50: null, p95: null },
    { at: new Date(SINCE), done: 1, failed: 0, p50: 0.1, p95: 0.2 },
    { at: new Date("2026-11-23T08:59:00Z"), done: 2, failed: 2, p50: null, p95: null },
  ]);
  assert.deepEqual(shares(hour).slice(-3), [null, 1, 0.5]);
  assert.deepEqual(inAll(hour), { done: 3, failed: 2, share: 0.6 });
  assert.equal(newest(hour.map((minute) => minute.p95)), 0.2);
});

test("of nothing there is no share and no newest figure", () => {
  assert.deepEqual([inAll([]), newest([null, null])], [{ done: 0, failed: 0, share: null }, null]);
});

test("of a daemon that runs for less than an hour it is known from when on attempts are counted", () => {
  const of = (/** @type {number} */ known) => ({ since: SINCE, step: 60, done: Array(known).fill(0), failed: Array(known).fill(0), p50: Array(known).fill(null), p95: Array(known).fill(null) });
  assert.deepEqual([1, 59, 60].map((known) => knownSince(of(known))?.toISOString()), [SINCE, SINCE, undefined]);
});

test("a scale ends at a round figure that nothing is above", () => {
  assert.deepEqual([0, 1, 2, 3, 9, 10, 41, 0.013].map(roundAbove), [2, 2, 2, 4, 10, 20, 60, 0.02]);
});

test("an endpoint fails that is sent to and did not succeed four times", () => {
  const failing = endpoint({ health: { ...CALM, failures_in_a_row: 4 } });
  const open = endpoint({ condition: "open", health: { ...CALM, failures_in_a_row: 9 } });
  assert.deepEqual([endpoint(), endpoint({ health: { ...CALM, failures_in_a_row: 3 } }), failing, open].map(standing), ["active", "active", "failing", "open"]);
  assert.deepEqual([goesOn(open), goesOn(endpoint({ condition: "paused" }))], ["next probe", "goes on"]);
});

test("those in trouble come first, then those with dead deliveries, then by id", () => {
  const some = [
    endpoint({ id: "b" }), endpoint({ id: "a" }), endpoint({ id: "z", condition: "open" }), endpoint({ id: "y", condition: "disabled" }), endpoint({ id: "c", dead: 2 }),
    endpoint({ id: "x", condition: "paused" }), endpoint({ id: "w", health: { ...CALM, failures_in_a_row: 5 } }),
  ];
  assert.deepEqual(inOrder(some).map((each) => each.id), ["z", "w", "y", "x", "c", "a", "b"]);
});

test("health is said in words", () => {
  const failing_since = SINCE;
  assert.deepEqual(health(endpoint()), [{ text: "Its last attempt was accepted, or there was none yet." }]);
  assert.deepEqual(health(endpoint({ health: { ...CALM, failures_in_a_row: 1, failing_since, failed: 1, disables_at: "2026-11-28T08:58:00.000Z" } })), [{ text: "Its last attempt failed,", at: SINCE }]);
  const broken = { failures_in_a_row: 9, failing_since, failed: 9, exhausted: 1, disables_at: "2026-11-28T08:58:00.000Z", breaker: { state: "open", opened: 2, open_until: "2026-11-23T09:01:00.000Z" } };
  assert.deepEqual(health(endpoint({ health: broken })), [
    { text: "9 attempts failed in a row, the first", at: SINCE },
    { text: "1 event ran out of attempts meanwhile." },
    { text: "Its breaker is open: the next probe is sent", at: "2026-11-23T09:01:00.000Z" },
    { text: "It is disabled by itself, if nothing succeeds meanwhile,", at: "2026-11-28T08:58:00.000Z" },
  ]);
  const probing = { ...broken, exhausted: 0, disables_at: null, breaker: { state: "probing", opened: 2, open_until: null } };
  assert.deepEqual(health(endpoint({ health: probing })).at(-1), { text: "Its breaker lets one delivery through as a probe; when it is accepted, the rest follows." });
});

test("while a delivery is opened the rows of its list stay where they are, as they were told of last", () => {
  const row = (/** @type {number} */ id, state = "pending") => /** @type {any} */ ({ id, state });
  const memory = { of: "", rows: [] };
  const opened = new Set([1]);
  assert.deepEqual(heldRows(memory, [row(2), row(1)], "all", opened), [row(2), row(1)]);
  assert.deepEqual(heldRows(memory, [row(3), row(2, "done")], "all", opened), [row(2, "done"), row(1)]);
  assert.deepEqual(heldRows(memory, [row(3)], "dead", opened), [row(3)], "another list");
  assert.deepEqual(heldRows(memory, [row(3), row(1)], "all", opened), [row(3), row(1)]);
  opened.clear();
  assert.deepEqual(heldRows(memory, [row(4)], "all", opened), [row(4)]);
});
