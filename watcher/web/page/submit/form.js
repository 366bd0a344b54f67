// The first step: the batch as a form, with what is wrong in it before anything is sent.

import { h } from "../dom.js";
import { checkedField, nameChoice, tick, toFirstError } from "../fields.js";
import { count } from "../format.js";
import { folded, problemBox } from "../parts.js";
import { recipients } from "./preview.js";
import { change, goOn, stateOf } from "./state.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("./draft.js").FieldName} FieldName */

/** @param {App} app */
export function form(app) {
  const state = stateOf(app);
  const { draft, checked } = state;
  const errors = state.tried ? checked.errors : {};
  const names = Object.keys(app.page?.accounts ?? {});
  const more = app.local("submit more", () => ({ open: false }));
  const isOpen = more.open || errors.labels !== undefined || errors.correlation !== undefined;
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!goOn(app)) toFirstError(app);
  };
  return h("form", { key: "form", class: "set-up", novalidate: true, autocomplete: "off", on: { submit } },
    problemBox(state.problem),
    names.length > 1 && row(errors, "account", "Account", undefined, (props) => nameChoice(props, names, draft.account, (account) => change(app, { account }))),
    h("div", { key: "where", class: "columns" },
      row(errors, "broadcast", "Broadcast", "The id of the broadcast at CallFire that the batch is added to.", (props) => text(app, "broadcast", { ...props, inputmode: "numeric" })),
      h("div", { class: "field", key: "kind" }, h("label", { for: "s-kind" }, "Kind"),
        h("select", { id: "s-kind", value: draft.kind, on: { change: (event) => change(app, { kind: event.target.value }) } },
          [["", "Found out at CallFire"], ["call", "Call"], ["text", "Text"]].map(([value, words]) => h("option", { key: value, value }, words ?? ""))))),
    row(errors, "name", "Name", "Gets a tag behind it, by which the batch is found again whatever happens on the way.", (props) => text(app, "name", props)),
    h("fieldset", { key: "whom" }, h("legend", null, "Recipients"),
      h("div", { class: "field", key: "how" }, h("label", { for: "s-how" }, "Where they come from"),
        h("select", { id: "s-how", value: draft.how, on: { change: (event) => change(app, { how: event.target.value }) } },
          [["recipients", "A CSV, or a list of numbers"], ["list", "A contact list of CallFire"]].map(([value, words]) => h("option", { key: value, value }, words ?? "")))),
      draft.how === "list"
        ? row(errors, "list", "Contact list", "Its id at CallFire.", (props) => text(app, "list", { ...props, inputmode: "numeric" }))
        : recipients(app, errors)),
    folded(isOpen, (open) => { more.open = open; app.update(); }, "Labels and more",
      row(errors, "labels", "Labels", "name=value, one a line. Events of the batch bear them.", (props) => h("textarea", { ...props, rows: 3, value: draft.labels, on: { input: (event) => change(app, { labels: event.target.value }) } })),
      row(errors, "correlation", "Correlation id", "Your own id for it; events of the batch bear it too.", (props) => text(app, "correlation", props)),
      tick("s-strict", "CallFire refuses the whole batch for one bad number", draft.strict, (strict) => change(app, { strict }))),
    h("p", { key: "do", class: "row" }, h("button", { type: "submit", class: "first" }, "Check and go on"),
      draft.how === "recipients" && checked.count > 0 && (draft.leaveOut || checked.faulty === 0) && h("span", { class: "quiet" }, `${count(checked.count)} to be sent; nothing is sent yet`)));
}

/** @param {App} app @param {"broadcast" | "name" | "list" | "correlation"} name @param {Record<string, string>} props */
function text(app, name, props) {
  return h("input", { type: "text", spellcheck: "false", ...props, value: stateOf(app).draft[name], on: { input: (event) => change(app, { [name]: event.target.value }) } });
}

/**
 * A field with its label, its hint and what is wrong with it.
 * @param {Partial<Record<FieldName, string>>} errors
 * @param {FieldName} name
 * @param {string} label
 * @param {Child} hint
 * @param {(props: Record<string, string>) => Child} input
 */
function row(errors, name, label, hint, input) {
  return checkedField({ id: `s-${name}`, label, hint, wrong: errors[name] }, input);
}
