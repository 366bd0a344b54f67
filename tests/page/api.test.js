// What is asked of the daemon, and what becomes of its answers, also of those that never come or break off.

import assert from "node:assert/strict";
import { test } from "node:test";

import { actionKey, asRefusal, ask, pathOf, queryOf, Refusal, SESSION_OVER } from "../../watcher/web/page/api.js";

/** @type {EventTarget} */
const heard = new EventTarget();
Object.assign(globalThis, { dispatchEvent: (/** @type {Event} */ event) => heard.dispatchEvent(event) });

/** The daemon answers so; gives what it was asked. @param {() => Promise<Response> | Response} answer */
function daemon(answer) {
  /** @type {[string, any][]} */
  const asked = [];
  globalThis.fetch = async (path, how) => {
    asked.push([String(path), how]);
    return answer();
  };
  return asked;
}

/** @param {() => Promise<unknown>} asking @returns {Promise<Refusal>} */
async function refused(asking) {
  const error = await asking().then(() => null, (thrown) => thrown);
  assert.ok(error instanceof Refusal, String(error));
  return error;
}

const broken = () => new Response(new ReadableStream({ start: (there) => there.error(new TypeError("network error")) }));

test("what is asked has its key, its body and what it may be answered with", async () => {
  const asked = daemon(() => Response.json({ done: true }));
  assert.deepEqual(await ask("POST", "/v1/x", { body: { a: 1 }, key: "k", headers: { "If-Match": '"e"' } }), { done: true });
  await ask("POST", "/v1/x", { body: '{"big":9007199254740993}' });
  await ask("GET", "/v1/x");
  assert.deepEqual(asked.map(([path, { method, headers, body, credentials }]) => [path, method, headers, body, credentials]), [
    ["/v1/x", "POST", { Accept: "application/json", "If-Match": '"e"', "Content-Type": "application/json", "Idempotency-Key": "k" }, '{"a":1}', "same-origin"],
    ["/v1/x", "POST", { Accept: "application/json", "Content-Type": "application/json" }, '{"big":9007199254740993}', "same-origin"],
    ["/v1/x", "GET", { Accept: "application/json" }, undefined, "same-origin"],
  ]);
});

test("what has no body is null, and who wants to heed the headers gets them", async () => {
  daemon(() => new Response(null, { status: 204, headers: { ETag: '"7"' } }));
  let etag = "";
  assert.equal(await ask("DELETE", "/v1/x", { heed: (headers) => { etag = headers.get("ETag") ?? ""; } }), null);
  assert.equal(etag, '"7"');
});

test("a refusal is told as the daemon words it, also where it is no problem document", async () => {
  daemon(() => Response.json({ type: "https://watcher/problems/not-followed", title: "Not followed.", detail: "Nobody follows it." }, { status: 404 }));
  const problem = await refused(() => ask("GET", "/v1/x"));
  assert.deepEqual([problem.status, problem.kind, problem.message, problem.document.title], [404, "not-followed", "Nobody follows it.", "Not followed."]);
  daemon(() => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  const other = await refused(() => ask("GET", "/v1/x"));
  assert.deepEqual([other.status, other.kind, other.message], [502, "", "Bad Gateway"]);
});

test("an answer that never comes or breaks off is told as such: what was to be done may have been done", async () => {
  for (const [answer, said] of /** @type {[() => Promise<Response> | Response, string][]} */ ([
    [() => Promise.reject(new TypeError("fetch failed")), "The daemon cannot be reached."],
    [broken, "The daemon cannot be reached."],
    [() => new Response('{"cut'), "The daemon cannot be reached."],
  ])) {
    daemon(answer);
    assert.deepEqual([(await refused(() => ask("GET", "/v1/x"))).message, (await refused(() => ask("POST", "/v1/x"))).message],
      [`${said} Try again.`, `${said} Whether it was done is not certain: look before you repeat it.`]);
    assert.equal((await refused(() => ask("POST", "/v1/x"))).status, 0);
  }
});

test("an answer that takes too long is not waited for", async () => {
  globalThis.fetch = (_, how) => new Promise((_resolve, reject) => {
    how?.signal?.addEventListener("abort", () => reject(how.signal?.reason));
    setTimeout(() => {}, 1000); // node ends when nothing but a deadline is waited for
  });
  assert.equal((await refused(() => ask("GET", "/v1/x", { deadline: 1 }))).message, "The daemon did not answer in time. Try again.");
});

test("what is no longer wanted is no refusal", async () => {
  const controller = new AbortController();
  daemon(() => {
    controller.abort(new Error("another was asked for"));
    throw controller.signal.reason;
  });
  await assert.rejects(ask("GET", "/v1/x", { signal: controller.signal }), (error) => !(error instanceof Refusal));
});

test("who is not known any more is told to the window once for every request but that for the session itself", async () => {
  let times = 0;
  heard.addEventListener(SESSION_OVER, () => { times += 1; });
  daemon(() => Response.json({ title: "Sign in." }, { status: 401 }));
  await refused(() => ask("GET", "/v1/x"));
  await refused(() => ask("GET", "/v1/session"));
  daemon(() => Response.json({ title: "Not with this token." }, { status: 403 }));
  await refused(() => ask("GET", "/v1/x"));
  assert.equal(times, 1);
});

test("what a mistake of the page is, is said", () => {
  const refusal = new Refusal(404, {});
  assert.equal(asRefusal(refusal), refusal);
  const { status, message, document } = asRefusal(new TypeError("x is undefined"));
  assert.deepEqual([status, message, document.title], [0, "TypeError: x is undefined", "The page failed."]);
});

test("paths and queries say what they are given and nothing else", () => {
  assert.equal(pathOf("v1", "accounts", "a/b?c#d", 13), "/v1/accounts/a%2Fb%3Fc%23d/13");
  assert.equal(queryOf({ a: "x&y", b: ["1", "2"], c: null, d: undefined, e: "", f: 0, g: false }), "?a=x%26y&b=1&b=2&f=0&g=false");
  assert.equal(queryOf({ a: "" }), "");
  assert.match(actionKey(), /^[0-9a-f]{32}$/);
  assert.notEqual(actionKey(), actionKey());
});
