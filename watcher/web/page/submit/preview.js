// Recipients of a batch: dropped, chosen or pasted, and looked through row by row before anything is sent.

import { h } from "../dom.js";
import { checkedField, refused, tick } from "../fields.js";
import { count } from "../format.js";
import { outside, table } from "../parts.js";
import { withText } from "./draft.js";
import { change, stateOf } from "./state.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("./draft.js").Checked} Checked */
/** @typedef {import("./draft.js").FieldName} FieldName */

/** Rows that are shown: those with something wrong first, and some of the others to see whether they were read as they are meant. */
const FAULTY_SHOWN = 100;
const GOOD_SHOWN = 5;
const FILE_MOST = 50 * 1024 * 1024;

/** @param {App} app @param {Partial<Record<FieldName, string>>} errors */
export function recipients(app, errors) {
  const { draft } = stateOf(app);
  const from = app.local("submit from", () => ({ over: false, problem: "" }));
  /** What was written elsewhere since this was drawn, or while a file was read, stays. @param {string} text @param {string} source */
  const put = (text, source) => change(app, withText(stateOf(app).draft, text, source));
  /** @param {File | null | undefined} file */
  const take = async (file) => {
    if (!file) return;
    from.problem = "";
    try {
      if (file.size > FILE_MOST) from.problem = `${file.name} has over 50 MB, more than a batch can have.`;
      else put(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()), file.name);
    } catch (error) {
      from.problem = error instanceof TypeError ? `${file.name} is not UTF-8 text: save it as CSV, UTF-8.` : `${file.name} cannot be read.`;
    }
    app.update();
  };
  /** @param {DragEvent} event @param {boolean} over */
  const drag = (event, over) => {
    event.preventDefault();
    if (from.over === over) return;
    from.over = over;
    app.update();
  };
  return h("div", { key: "recipients", class: `drop${from.over ? " over" : ""}`, on: {
    dragover: (event) => drag(event, true),
    dragleave: (event) => { if (!event.currentTarget.contains(event.relatedTarget)) drag(event, false); },
    drop: (event) => {
      drag(event, false);
      void take(event.dataTransfer?.files[0]);
    },
  } },
  h("div", { class: "field", key: "file" }, h("label", { for: "s-file" }, "A CSV file, chosen or dropped here"),
    h("input", { id: "s-file", type: "file", accept: ".csv,.txt,text/csv,text/plain", on: { change: (event) => {
      void take(event.target.files[0]);
      event.target.value = ""; // so that the same file can be chosen again when it was corrected
    } } }),
    from.problem !== "" && h("p", { class: "refused", role: "alert" }, outside(from.problem))),
  draft.source !== ""
    ? h("p", { key: "source", class: "row" }, h("span", null, "From ", h("strong", null, outside(draft.source)), "."), h("button", { type: "button", on: { click: () => put("", "") } }, "Take it out"))
    : checkedField({ id: "s-recipients", label: "Or pasted", hint: "With a heading such as «phone», or only numbers, one a line.", wrong: errors.recipients }, (props) => h("textarea", {
      ...props, rows: 6, spellcheck: "false", value: draft.text, on: { input: (event) => put(event.target.value, "") },
    })),
  draft.source !== "" && refused("s-recipients-error", errors.recipients ?? ""),
  columns(app),
  preview(app));
}

/** Which column says whom, and which go along. @param {App} app */
function columns(app) {
  const { draft } = stateOf(app);
  const { columns: all, wrong, line } = draft.read;
  if (line !== null) return h("p", { key: "unread", class: "problem", role: "alert" }, `Line ${count(line)}: `, outside(wrong));
  if (all.length === 0) return null;
  const { whom, along } = draft;
  /** @param {string} value */
  const choose = (value) => {
    const [kind, column] = value.split(" ");
    change(app, { whom: value === "" ? null : { kind: kind === "contact_id" ? "contact_id" : "phone_number", column: Number(column) }, along: along.filter((each) => String(each) !== column), leaveOut: false });
  };
  const others = all.map((name, column) => ({ name, column })).filter(({ column }) => column !== whom?.column);
  return h("div", { key: "columns" },
    whom === null && wrong !== "" && h("p", { class: "problem", role: "alert" }, outside(wrong)),
    h("div", { class: "field" }, h("label", { for: "s-whom" }, "Column that says whom"),
      h("select", { id: "s-whom", value: whom === null ? "" : `${whom.kind} ${whom.column}`, on: { change: (event) => choose(event.target.value) } },
        h("option", { key: "none", value: "" }, "Choose…"),
        all.flatMap((name, column) => [
          h("option", { key: `p${column}`, value: `phone_number ${column}` }, `${name} (a phone number)`),
          h("option", { key: `c${column}`, value: `contact_id ${column}` }, `${name} (a contact id of CallFire)`),
        ]))),
    draft.read.headed && others.length > 0 && h("fieldset", { class: "inner" }, h("legend", null, "Go along as attributes, for the message"),
      h("div", { class: "ticks" }, others.map(({ name, column }) => tick(`s-along-${column}`, outside(name, "(without a name)"), along.includes(column),
        (isAlong) => change(app, { along: isAlong ? [...along, column].sort((a, b) => a - b) : along.filter((each) => each !== column) }))))),
    tick("s-scrub", "Whoever is there twice is called once", draft.scrub, (scrub) => change(app, { scrub })));
}

/** The column of attributes. */
const attributes = {
  name: "Attributes",
  /** @param {Checked} row */
  cell: ({ recipient }) => Object.entries(recipient.attributes ?? {}).map(([name, value]) => h("div", { key: name }, outside(name), ": ", outside(value))),
};

/** @param {App} app */
function preview(app) {
  const { draft, checked } = stateOf(app);
  const { recipients: all, faulty } = checked;
  if (all.length === 0) return null;
  const bad = all.filter(({ wrong }) => wrong.length > 0);
  const good = all.filter(({ wrong }) => wrong.length === 0);
  const rows = [...bad.slice(0, FAULTY_SHOWN), ...good.slice(0, GOOD_SHOWN)];
  const hidden = [
    bad.length > FAULTY_SHOWN ? `${count(bad.length - FAULTY_SHOWN)} more with something wrong` : "",
    good.length > GOOD_SHOWN ? `${count(good.length - GOOD_SHOWN)} more that are right` : "",
  ].filter((text) => text !== "");
  return h("div", { key: "preview" },
    h("p", { role: "status" }, h("strong", null, `${count(all.length)} ${all.length === 1 ? "recipient" : "recipients"}`), faulty === 0 ? ", all right." : h("span", { class: "ill" }, `, ${count(faulty)} with something wrong.`)),
    faulty > 0 && tick("s-leave-out", `Leave out ${faulty === 1 ? "the one" : `the ${count(faulty)}`} with something wrong, and send the ${count(good.length)} others`, draft.leaveOut, (leaveOut) => change(app, { leaveOut })),
    table("Recipients, those with something wrong first", [
      { name: "Line", class: "number", cell: (each) => count(each.line) },
      { name: "Whom", cell: ({ recipient }) => outside(recipient.phone_number ?? (recipient.contact_id === undefined ? null : String(recipient.contact_id))) },
      ...(draft.along.length === 0 ? [] : [attributes]),
      { name: "What is wrong", cell: ({ wrong }) => (wrong.length === 0 ? h("span", { class: "fine" }, "✓ right") : wrong.map((text) => h("div", { key: text, class: "ill" }, text))) },
    ], rows, (each) => String(each.line)),
    hidden.length > 0 && h("p", { class: "hint" }, `Not shown: ${hidden.join(", ")}.`));
}
