// Who looks is asked until the daemon says it; what one person saw and wrote is not another's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Who } from "../../watcher/web/page/session.js";

const ANNA = { holder: "anna", scopes: ["read"], accounts: null, endpoints: true, expires: null };

/** @param {import("node:test").TestContext} t @param {(() => Response)[]} answers */
function begun(t, answers) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {string[]} */
  const heard = [];
  globalThis.fetch = async () => /** @type {() => Response} */ (answers.shift())();
  const who = new Who({ came: (isAnother) => heard.push(isAnother ? "another" : "came"), went: () => heard.push("went"), update: () => heard.push("update") });
  return { who, heard };
}

const known = (/** @type {string} */ holder) => () => Response.json({ ...ANNA, holder });
const nobody = () => Response.json({ title: "Sign in." }, { status: 401 });
const away = () => { throw new TypeError("fetch failed"); };
const settled = () => new Promise((done) => setImmediate(done));

test("a daemon that is away is asked again until it says who looks", async (t) => {
  const { who, heard } = begun(t, [away, away, known("anna")]);
  await who.meet();
  assert.deepEqual([heard, who.isKnown, who.problem?.message], [["update"], false, "The daemon cannot be reached. Try again."]);
  for (const _ of [1, 2]) {
    t.mock.timers.tick(2000);
    await settled();
  }
  assert.deepEqual([heard, who.isKnown, who.problem, who.session?.holder], [["update", "update", "came"], true, null, "anna"]);
});

test("that it is nobody is an answer, and not asked again", async (t) => {
  const { who, heard } = begun(t, [nobody]);
  await who.meet();
  t.mock.timers.tick(60_000);
  await settled();
  assert.deepEqual([heard, who.isKnown, who.session], [["went"], true, null]);
});

test("whoever comes after somebody else is another, and who comes again is not", async (t) => {
  const { who, heard } = begun(t, [known("anna"), () => new Response(null, { status: 204 }), known("anna"), known("bert")]);
  await who.meet();
  await who.signOut();
  await who.meet();
  await who.meet();
  assert.deepEqual([heard, who.session?.holder], [["came", "went", "came", "another"], "bert"]);
});
