// The stream's patches make the document what the daemon has.

import assert from "node:assert/strict";
import { test } from "node:test";

import { apply } from "../../watcher/web/page/patch.js";

/** @param {Record<string, any>} document @param {import("../../watcher/web/page/patch.js").Operation[]} operations */
function after(document, operations) {
  apply(document, operations);
  return document;
}

test("fields are added, replaced and removed where their pointer leads", () => {
  const document = { watches: { "a/1": { status: "NEW", looks: 1 } }, position: 3 };
  assert.deepEqual(
    after(document, [
      { op: "replace", path: "/watches/a~11/status", value: "ACTIVE" },
      { op: "add", path: "/watches/b~12", value: { status: null } },
      { op: "remove", path: "/watches/a~11/looks" },
      { op: "replace", path: "/position", value: 4 },
    ]),
    { watches: { "a/1": { status: "ACTIVE" }, "b/2": { status: null } }, position: 4 },
  );
});

test("a tilde and a slash in a name are told apart", () => {
  assert.deepEqual(after({ labels: {} }, [{ op: "add", path: "/labels/a~01b~1c", value: "x" }]), { labels: { "a~1b/c": "x" } });
});

test("lists grow and shrink in the middle and at their end", () => {
  assert.deepEqual(
    after({ order: ["a", "b", "c"] }, [
      { op: "add", path: "/order/1", value: "x" },
      { op: "remove", path: "/order/0" },
      { op: "add", path: "/order/-", value: "y" },
      { op: "replace", path: "/order/0", value: "z" },
    ]),
    { order: ["z", "b", "c", "y"] },
  );
});

test("what is copied is no longer tied to where it came from, what is moved is gone there", () => {
  const document = after({ a: { deep: [1] }, b: {} }, [
    { op: "copy", from: "/a/deep", path: "/b/copied" },
    { op: "add", path: "/a/deep/-", value: 2 },
    { op: "move", from: "/a/deep", path: "/b/moved" },
  ]);
  assert.deepEqual(document, { a: {}, b: { copied: [1], moved: [1, 2] } });
});

test("a document that is another than was thought is not patched further", () => {
  const document = { position: 1, order: ["a"] };
  for (const operation of [
    { op: "replace", path: "/gone", value: 1 },
    { op: "remove", path: "/gone" },
    { op: "remove", path: "/order/1" },
    { op: "add", path: "/order/3", value: "x" },
    { op: "add", path: "/position/in", value: 1 },
    { op: "test", path: "/position", value: 2 },
    { op: "invent", path: "/position", value: 2 },
    { op: "replace", path: "position", value: 2 },
    { op: "replace", path: "/constructor/name", value: 2 },
  ]) {
    assert.throws(() => apply(document, [operation]), Error, JSON.stringify(operation));
  }
  assert.deepEqual(document, { position: 1, order: ["a"] });
});

test("a name that objects have by themselves is a name like others", () => {
  const document = after({ watches: {} }, [{ op: "add", path: "/watches/__proto__", value: { status: "NEW" } }]);
  assert.deepEqual(Object.keys(document["watches"]), ["__proto__"]);
  assert.equal(/** @type {any} */ ({})["status"], undefined);
});
