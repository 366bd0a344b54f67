// Every place has an address, and an address leads back to its place.

import assert from "node:assert/strict";
import { test } from "node:test";

import { linkTo, placeOf } from "../../watcher/web/page/router.js";

test("an address leads back to its place", () => {
  for (const [room, steps, query] of /** @type {[string, string[], Record<string, string>][]} */ ([
    ["overview", [], {}],
    ["batches", [], { q: "a&b=c #1", offset: "50" }],
    ["batches", ["north/east", "13"], {}],
    ["delivery", ["<img onerror>"], { state: "dead" }],
  ])) {
    assert.deepEqual(placeOf(linkTo(room, steps, query)), { room, steps, query });
  }
});

test("what is empty is left out of an address", () => {
  assert.equal(linkTo("batches", [], { q: "", status: null, offset: 0 }), "#/batches?offset=0");
});

test("what nobody wrote is read as well as can be", () => {
  assert.deepEqual(placeOf(""), { room: "overview", steps: [], query: {} });
  assert.deepEqual(placeOf("#/batches/%E0%A4%A"), { room: "batches", steps: ["%E0%A4%A"], query: {} });
});
