// What a form asks for is done once, also where its answer was lost and somebody tries again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { making } from "../../watcher/web/page/delivery/making.js";
import { follow } from "../../watcher/web/page/submit/follow.js";
import { another, change, goOn, send, stateOf } from "../../watcher/web/page/submit/state.js";

Object.assign(globalThis, { requestAnimationFrame: () => {}, location: { hash: "" } });

function page() {
  /** @type {Map<string, any>} */
  const locals = new Map();
  return /** @type {any} */ ({
    page: { accounts: { default: {} } },
    update: () => {},
    announce: () => {},
    local: (/** @type {string} */ name, /** @type {() => any} */ make) => locals.get(name) ?? locals.set(name, make()).get(name),
  });
}

/** A daemon whose answers are these; gives what it was sent, each with its key. @param {(() => Response)[]} answers */
function daemon(answers) {
  /** @type {[string, string][]} */
  const sent = [];
  globalThis.fetch = async (_, how) => {
    sent.push([String(how?.body), new Headers(how?.headers).get("Idempotency-Key") ?? ""]);
    return /** @type {() => Response} */ (answers.shift())();
  };
  return sent;
}

const lost = () => { throw new TypeError("fetch failed"); };
const refused = () => Response.json({ title: "Refused.", errors: [] }, { status: 422 });

/** Presses the button of the form, and returns when that has its end. @param {any} form @param {{working: boolean}} state */
async function submitted(form, state) {
  form.props.on.submit({ preventDefault: () => {} });
  while (state.working) await new Promise((done) => setImmediate(done));
}

/** How many keys there are, and which of the requests have the same. @param {[string, string][]} sent */
const keys = (sent) => sent.map(([, key]) => sent.findIndex(([, each]) => each === key));

test("an endpoint whose making was not answered is asked for with the same key, and another with another", async () => {
  const app = page();
  const sent = daemon([lost, lost, refused, lost, lost]);
  making(app);
  const state = app.local("delivery making", () => null);
  state.fields.url = "https://receiver.example/a";
  for (let time = 0; time < 4; time += 1) await submitted(making(app), state);
  state.fields.url = "https://receiver.example/b";
  await submitted(making(app), state);
  assert.deepEqual(keys(sent), [0, 0, 0, 3, 4]);
});

test("ids whose following was not answered are sent again as they were, portion by portion", async () => {
  const app = page();
  const came = (/** @type {number} */ many) => () => Response.json({ created: many, known: 0, reopened: 0, refused: 0, items: Array.from({ length: many }, (_, row) => ({ row, result: "created" })) });
  const sent = daemon([came(10_000), lost, came(10_000), came(1), refused, came(1)]);
  follow(app);
  const state = app.local("submit follow", () => null);
  state.named = Array.from({ length: 10_001 }, (_, index) => ({ line: index + 1, text: String(index + 1), id: BigInt(index + 1), wrong: "" }));
  await submitted(follow(app), state);
  assert.equal(state.problem.status, 0);
  await submitted(follow(app), state);
  assert.deepEqual([keys(sent), sent[0]?.[0] === sent[2]?.[0], sent[3]?.[0], state.came.length], [[0, 1, 0, 1], true, '[{"batch_id":10001,"account":"default"}]', 10_001]);
  state.named = state.named.slice(0, 1);
  await submitted(follow(app), state); // it is refused: nothing of it is uncertain, and the next try is another
  await submitted(follow(app), state);
  assert.deepEqual(keys(sent).slice(4), [4, 5]);
});

test("a batch whose answer was lost keeps its key until there is word of this very batch", async () => {
  const app = page();
  const sent = daemon([lost, refused, lost, () => Response.json({ type: "/problems/submission-refused", title: "CallFire refused it." }, { status: 422 }), lost, refused, lost]);
  change(app, { account: "default", broadcast: "14", name: "Autumn", how: "list", list: "7" });
  assert.equal(goOn(app), true);
  for (let time = 0; time < 4; time += 1) await send(app);
  assert.deepEqual([keys(sent), stateOf(app).step, stateOf(app).unclear], [[0, 0, 0, 0], "writing", false]);
  await send(app);
  assert.equal(sent.length, 4, "nothing is sent before somebody has agreed to it");
  goOn(app);
  await send(app);
  assert.deepEqual(keys(sent), [0, 0, 0, 0, 4]);
  another(app);
  change(app, { broadcast: "14", name: "Winter", how: "list", list: "7" });
  goOn(app);
  await send(app); // refused at once: it is written anew, as another
  assert.equal(stateOf(app).step, "writing");
  goOn(app);
  await send(app);
  assert.deepEqual(keys(sent), [0, 0, 0, 0, 4, 5, 6]);
});

test("a second click while it is sent sends nothing", async () => {
  const app = page();
  const sent = daemon([() => Response.json({ state: "accepted" }), lost]);
  change(app, { account: "default", broadcast: "14", name: "Autumn", how: "list", list: "7" });
  goOn(app);
  await Promise.all([send(app), send(app)]);
  assert.equal(sent.length, 1);
});
