// Actions ask first where they must, do nothing twice, and say what came of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../../watcher/web/page/api.js";
import { action, pager, turning } from "../../watcher/web/page/parts.js";

Object.assign(globalThis, { requestAnimationFrame: () => {}, Element: class {} });

function page() {
  /** @type {string[]} */
  const said = [];
  const app = /** @type {any} */ ({ actions: new Map(), update: () => {}, announce: (/** @type {string} */ text) => said.push(text) });
  return { app, said };
}

/** The buttons of what is shown, by what they say. @param {any} shown @returns {Record<string, any>} */
function buttons(shown) {
  return Object.fromEntries(shown.children.filter((/** @type {any} */ each) => each.tag === "button").map((/** @type {any} */ each) => [each.children.join(""), each]));
}

/** @param {any} shown @param {string} label */
const press = (shown, label) => buttons(shown)[label].props.on.click({ currentTarget: null });

/** @param {any} shown @returns {string} */
const textOf = (shown) => (typeof shown === "string" ? shown : shown.children.map(textOf).join(""));

test("what cannot be taken back is only done after a second step", async () => {
  const { app, said } = page();
  let times = 0;
  const what = { label: "Delete", sure: "It is gone then.", done: "Deleted.", run: async () => { times += 1; } };
  const shown = () => action(app, "delete x", what);
  press(shown(), "Delete");
  assert.deepEqual([times, Object.keys(buttons(shown())), textOf(shown()).startsWith("It is gone then.")], [0, ["Delete", "Cancel"], true]);
  press(shown(), "Cancel");
  assert.deepEqual([times, Object.keys(buttons(shown()))], [0, ["Delete"]]);
  press(shown(), "Delete");
  await press(shown(), "Delete");
  assert.deepEqual([times, textOf(shown()), said], [1, "DeleteDeleted.", ["Deleted."]]);
});

test("what is under way is not begun again", async () => {
  const { app } = page();
  let times = 0;
  let end = () => {};
  const what = { label: "Send", run: () => new Promise((/** @type {(value: void) => void} */ done) => { times += 1; end = done; }) };
  const first = action(app, "send", what);
  const sending = press(first, "Send");
  press(first, "Send");
  press(action(app, "send", what), "Send…");
  assert.equal(times, 1);
  end();
  await sending;
  assert.equal(app.actions.get("send").state, "done");
});

test("another try after an end that is unclear bears the same key, and one after an answer another", async () => {
  const { app } = page();
  /** @type {string[]} */
  const keys = [];
  const ends = [new Refusal(0, {}), new Refusal(503, {}), new Refusal(409, { title: "Not now.", detail: "Wait." }), null, null];
  const what = { label: "Send", run: async (/** @type {string} */ key) => {
    keys.push(key);
    const end = ends.shift();
    if (end) throw end;
  } };
  for (let time = 0; time < 3; time += 1) await press(action(app, "send", what), "Send");
  assert.match(textOf(action(app, "send", what)), /^SendNot now\. Wait\./);
  for (let time = 0; time < 2; time += 1) await press(action(app, "send", what), "Send");
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.equal(new Set(keys).size, 3);
});

test("there is a way on only where something follows, and one back only where something was", () => {
  const ways = (/** @type {number} */ offset, /** @type {number | null} */ total, more = false) => {
    const shown = pager({ offset, limit: 50, total, more, link: (to) => `#/${to}` });
    return [shown.children.filter((each) => typeof each !== "string" && each.tag === "a").map((each) => typeof each !== "string" && each.props["href"]), textOf(shown.children.find((each) => typeof each !== "string" && each.tag === "span"))];
  };
  assert.deepEqual(ways(0, 50), [[], "1–50 of 50"]);
  assert.deepEqual(ways(0, 51), [["#/50"], "1–50 of 51"]);
  assert.deepEqual(ways(50, 51), [["#/0"], "51–51 of 51"]);
  assert.deepEqual(ways(20, 60), [["#/0"], "21–60 of 60"]);
  assert.deepEqual(ways(0, 50, true), [["#/50"], "1–50 of 50+"]);
  assert.deepEqual(ways(0, null), [[], "1–50"]);
  assert.deepEqual(ways(0, 0), [[], "0 of 0"]);
});

test("a list that goes on by cursor leads on, and back to its beginning", () => {
  const ways = (/** @type {string | undefined} */ cursor, /** @type {string | null} */ next) => {
    const shown = turning(cursor, next, (to) => `#/${to}`);
    return shown?.children.map((each) => typeof each !== "string" && (each.props["href"] ?? textOf(each)));
  };
  assert.deepEqual([ways(undefined, null), ways(undefined, "b"), ways("b", "c"), ways("c", null)], [undefined, ["#/b"], ["#/null", "#/c"], ["#/null", "That is the end."]]);
});
