// What rooms ask for by themselves, and when they leave it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { buttons } from "../../watcher/web/page/batches/buttons.js";
import { filters } from "../../watcher/web/page/batches/filters.js";
import { keepLoaded } from "../../watcher/web/page/batches/load.js";
import { room as planRoom } from "../../watcher/web/page/plan/room.js";

const NOW = new Date("2026-11-26T12:00:00Z");
Object.assign(globalThis, { document: { visibilityState: "visible" }, requestAnimationFrame: () => {}, Element: class {} });

/** An app that only counts what is fetched. @param {Record<string, any>} more */
function page(more) {
  /** @type {string[]} */
  const fetched = [];
  const app = /** @type {any} */ ({
    page: { position: 1, accounts: { north: { name: "north", open: 2 } } }, connection: { state: "live", problem: null }, actions: new Map(), now: NOW,
    update: () => {}, forget: () => {}, announce: () => {}, may: () => true, local: (/** @type {string} */ _, /** @type {() => any} */ make) => make(),
    fetched: () => ({ data: null, problem: null, loading: false }), fetch: async (/** @type {string} */ name) => { fetched.push(name); }, ...more,
  });
  return { app, fetched };
}

test("a plan that has to wait for another account's is asked for again, one that failed is not", async (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["setInterval"] });
  const place = /** @type {any} */ ({ room: "plan", steps: ["north"], query: {} });
  const pass = (/** @type {number} */ much) => {
    now += much;
    t.mock.timers.tick(250);
  };
  for (const [kind, times] of /** @type {[string, number][]} */ ([["plan-under-way", 2], ["plan-failed", 1]])) {
    const { app, fetched } = page({ fetched: () => ({ data: null, problem: { kind }, loading: false }) });
    const end = planRoom.enter?.(place, app);
    pass(4000);
    assert.equal(fetched.length, 1);
    pass(2000);
    assert.equal(fetched.length, times, kind);
    end?.();
  }
});

test("of a batch nothing is asked while the daemon is away", (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: NOW });
  const place = /** @type {any} */ ({ room: "batches", steps: ["north", "7"], query: {} });
  const { app, fetched } = page({});
  const end = keepLoaded(app, place);
  const begun = fetched.length;
  app.connection.state = "lost";
  t.mock.timers.tick(20_000);
  assert.equal(fetched.length, begun);
  app.connection.state = "live";
  t.mock.timers.tick(250);
  assert.ok(fetched.length > begun);
  end();
});

test("a look that CallFire did not answer is not said to have been one", async () => {
  const place = /** @type {any} */ ({ room: "batches", steps: ["north", "7"], query: {} });
  const watch = /** @type {any} */ ({ state: "open", looks: 3, enabled: null });
  for (const [after, state] of /** @type {[any, string][]} */ ([[{ looks: 3, state: "open" }, "failed"], [{ looks: 4, state: "open" }, "done"], [{ looks: 3, state: "missing" }, "done"]])) {
    const { app } = page({});
    globalThis.fetch = async () => Response.json(after);
    const [look] = buttons(app, place, watch).children;
    const button = typeof look === "string" ? undefined : look?.children[0];
    await /** @type {any} */ (button).props.on.click({ currentTarget: null });
    assert.equal(app.actions.get("look north/7").state, state);
  }
});

test("what is typed into the search stays however often it is drawn, and is searched for after a pause", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {string[]} */
  const gone = [];
  Object.assign(globalThis, { location: { replace: (/** @type {string} */ link) => gone.push(link) } });
  const locals = new Map();
  const { app } = page({
    place: { room: "batches", steps: [], query: { q: "before" } },
    local: (/** @type {string} */ name, /** @type {() => any} */ make) => locals.get(name) ?? locals.set(name, make()).get(name),
  });
  /** @param {any} shown @returns {any} */
  const input = (shown) => (shown.tag === "input" ? shown : (shown.children ?? []).map(input).find(Boolean));
  assert.equal(input(filters(app)).props.value, "before");
  input(filters(app)).props.on.input({ target: { value: "autumn" } });
  t.mock.timers.tick(200);
  assert.deepEqual([input(filters(app)).props.value, gone], ["autumn", []]);
  t.mock.timers.tick(200);
  assert.deepEqual(gone, ["#/batches?q=autumn"]);
});
