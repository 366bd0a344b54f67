// Recipients and ids as somebody has them: read and checked as the daemon and the program do, before anything is sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { rowsOf } from "../../watcher/web/page/submit/csv.js";
import { bodyOf, check, empty, labelsIn, withText } from "../../watcher/web/page/submit/draft.js";
import { bodiesOf, idsIn } from "../../watcher/web/page/submit/ids.js";
import { read, recipientsIn } from "../../watcher/web/page/submit/reading.js";
import { faultsOf, GREATEST_ID, tidied, WRITE_ID, written } from "../../watcher/web/page/submit/recipients.js";

/** What the program makes of the same is tested with the same cases. @type {{numbers: [string, string | null][], recipients: any[], csv: any[]}} */
const SHARED = JSON.parse(readFileSync(new URL("../data/recipients.json", import.meta.url), "utf8"));

test("numbers are read as the daemon reads them", () => {
  assert.deepEqual(SHARED.numbers.map(([number]) => tidied(number)), SHARED.numbers.map(([, tidy]) => tidy));
});

for (const { about, recipients, scrub_duplicates: scrub, faults } of SHARED.recipients) {
  test(`faults are told as the daemon tells them: ${about}`, () => {
    assert.deepEqual(faultsOf(recipients, scrub).map(({ row, key, message }) => ({ row, key, message })), faults);
  });
}

for (const { about, text, column, along = [], recipients } of SHARED.csv) {
  test(`a CSV is read as the program reads it: ${about}`, () => {
    const found = read(text);
    const whom = column === undefined ? found.whom : { kind: /** @type {const} */ ("phone_number"), column: found.columns.indexOf(column) };
    if (recipients === null) {
      assert.equal(whom, null);
      assert.notEqual(found.wrong, "");
      return;
    }
    assert.ok(whom !== null);
    const said = recipientsIn(found, whom, along.map((/** @type {string} */ name) => found.columns.indexOf(name)));
    assert.deepEqual(said.map(({ line, recipient }) => ({ line, recipient: JSON.parse(written(recipient)) })), recipients);
  });
}

test("what cannot be read says where, and what to do", () => {
  const said = ["phone\n1\n\"2", "telephone\n1", "a;phone\n1;2", "phone,number\n1,2"].map((text) => [read(text).line, read(text).wrong]);
  assert.deepEqual(said, [
    [3, "It is not CSV: a quote is opened and never closed."],
    [null, "None of its headings (telephone) is known as a phone number. Say which column it is."],
    [null, "None of its headings (a;phone) is known as a phone number. Save the file with commas between the columns."],
    [null, "Several of its columns may be meant (phone, number): say which."],
  ]);
  assert.equal(read("").wrong, "");
});

test("numbers that are pasted without a heading are recipients, the first one too", () => {
  const found = read("Ada,+1 213 555 1122\nBob,12135551123\n");
  assert.deepEqual([found.headed, found.columns, found.whom], [false, ["Column 1", "Column 2"], { kind: "phone_number", column: 1 }]);
  assert.deepEqual(recipientsIn(found, { kind: "phone_number", column: 1 }, []).map(({ recipient }) => recipient.phone_number), ["+1 213 555 1122", "12135551123"]);
});

test("every row knows its last line", () => {
  assert.deepEqual(rowsOf('a,"b\r\nc"\n\n"",\nx,'), [{ line: 2, values: ["a", "b\r\nc"] }, { line: 4, values: ["", ""] }, { line: 5, values: ["x", ""] }]);
  assert.throws(() => rowsOf(`a\n${"x".repeat(131_073)}`), { line: 2 });
});

test("what the daemon would refuse by its shape is told too", () => {
  assert.deepEqual(faultsOf([{ contact_id: "7a" }, { contact_id: GREATEST_ID }, { contact_id: GREATEST_ID + 1n }, { phone_number: `1${" ".repeat(40)}2135551122` }], false).map(({ row, message }) => [row, message]), [
    [0, WRITE_ID], [2, WRITE_ID], [3, "it has more than 40 characters"],
  ]);
});

test("ids keep all their digits", () => {
  assert.equal(written({ contact_id: GREATEST_ID }), '{"contact_id":9223372036854775807}');
  assert.deepEqual(bodiesOf("north", [GREATEST_ID, 7n], { team: "a" }), ['[{"batch_id":9223372036854775807,"account":"north","labels":{"team":"a"}},{"batch_id":7,"account":"north","labels":{"team":"a"}}]']);
});

test("pasted ids are found a line each or several, and what is none says why", () => {
  assert.deepEqual(idsIn("\ufeff13\r\n14, 15;16\n\nabc 0\n13\n9223372036854775808"), [
    { line: 1, text: "13", id: 13n, wrong: "" },
    { line: 2, text: "14", id: 14n, wrong: "" },
    { line: 2, text: "15", id: 15n, wrong: "" },
    { line: 2, text: "16", id: 16n, wrong: "" },
    { line: 4, text: "abc", id: null, wrong: WRITE_ID },
    { line: 4, text: "0", id: null, wrong: WRITE_ID },
    { line: 5, text: "13", id: null, wrong: "it stands in line 1 already, and is followed once" },
    { line: 6, text: "9223372036854775808", id: null, wrong: WRITE_ID },
  ]);
});

test("more ids than one request takes are sent in portions", () => {
  const ids = Array.from({ length: 20_001 }, (_, index) => BigInt(index + 1));
  assert.deepEqual(bodiesOf("north", ids, {}).map((body) => JSON.parse(body).length), [10_000, 10_000, 1]);
});

/** @param {object} [given] @returns {any} */
const draft = (given) => ({ ...withText(empty("north"), "phone,name\n12135551122,Ada\n213,Bob\n", "autumn.csv"), broadcast: " 14 ", name: " Autumn ", ...given });

test("a batch with nothing wrong is written as the daemon takes it", () => {
  const given = draft({ leaveOut: true, along: [1], labels: "team = north\n", correlation: " order-77 ", kind: "call", strict: true, scrub: true });
  assert.deepEqual(check(given).errors, {});
  assert.deepEqual(JSON.parse(bodyOf(given, check(given)) ?? ""), {
    name: "Autumn", kind: "call", labels: { team: "north" }, correlation_id: "order-77", strict_validation: true, scrub_duplicates: true,
    recipients: [{ phone_number: "12135551122", attributes: { name: "Ada" } }],
  });
  const list = draft({ how: "list", list: " 0077 " });
  assert.deepEqual(check(list).errors, {});
  assert.equal(bodyOf(list, check(list)), '{"name":"Autumn","contact_list_id":77}');
});

test("everything that is wrong with a batch is said at its field", () => {
  assert.deepEqual(check(draft()).errors, { recipients: "One recipient has something wrong: correct it, or have it left out." });
  assert.deepEqual(check({ ...empty(""), labels: "x", name: "a\u0007", correlation: "x".repeat(201) }).errors, {
    account: "Choose an account.",
    broadcast: `It must be the id of a broadcast at CallFire: a whole number from 1 to ${GREATEST_ID}.`,
    name: "It must have no characters of control.",
    labels: "«x» is no label: write name=value, one a line.",
    correlation: "It must have at most 200 characters.",
    recipients: "Nobody is named yet: choose a file, or paste numbers.",
  });
  assert.equal(check(draft({ name: " " })).errors.name, "It must have 1 to 100 characters.");
  assert.equal(check(draft({ how: "list", list: "0" })).errors.list, `It must be the id of a contact list at CallFire: a whole number from 1 to ${GREATEST_ID}.`);
  const nobody = { ...withText(empty("north"), "phone\n213\n", ""), leaveOut: true };
  assert.equal(check(nobody).errors.recipients, "No recipient is left.");
});

test("recipients that are still the same are not looked through again", () => {
  const before = draft();
  const checked = check(before);
  const renamed = { ...before, name: "Winter" };
  assert.equal(check(renamed, { draft: before, checked }).recipients, checked.recipients);
  assert.notEqual(check({ ...renamed, scrub: true }, { draft: before, checked }).recipients, checked.recipients);
});

test("a batch that is larger than the daemon takes is not sent", () => {
  const numbers = Array.from({ length: 140_000 }, (_, index) => `1${2_000_000_000 + index}`).join("\n");
  const large = { ...draft(), ...withText(empty("north"), numbers, "large.csv"), broadcast: "14", name: "Large" };
  assert.deepEqual(check(large).errors, {});
  assert.equal(bodyOf(large, check(large)), null);
});

test("labels are name=value, one a line", () => {
  assert.deepEqual(labelsIn("a=1\r\n\n b = x=y \nc="), { labels: { a: "1", b: "x=y", c: "" }, wrong: "" });
  const wrong = ["=x", "a=1\na=2", `${"n".repeat(101)}=1`, `a=${"v".repeat(501)}`, Array.from({ length: 51 }, (_, index) => `l${index}=x`).join("\n")].map((text) => labelsIn(text).wrong);
  assert.deepEqual(wrong, [
    "«=x» is no label: write name=value, one a line.",
    "«a» is there twice.",
    `«${"n".repeat(40)}»: a name has at most 100 characters, a value 500.`,
    "«a»: a name has at most 100 characters, a value 500.",
    "There are more than 50 of them.",
  ]);
});
