// How an endpoint is set up, as a form: the same for a new one and for a change. What the API refuses stands at its field.

import { h } from "../dom.js";
import { checkedField, refused, tick } from "../fields.js";
import { folded, outside, problemBox } from "../parts.js";
import { errorsAt, pointerStep } from "./body.js";
import { EVENTS } from "./events.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("./body.js").Fields} Fields */
/** @typedef {{fields: Fields, problem: import("../types.js").Refusal | null, working: boolean, more: boolean}} Form */
/** @typedef {keyof {[Name in keyof Fields as Fields[Name] extends string ? Name : never]: 1}} TextName */

/** What stands under «more»; where one of it is refused, that opens. */
const MORE = ["/accounts", "/broadcasts", "/labels", "/signatures", "/ordering", "/form", "/rate", "/concurrency", "/timeout", "/headers", "/authorization", "/verification"];

const FIELDS = ["/url", "/description", "/id", "/types", ...MORE];

/**
 * @param {App} app
 * @param {Form} state
 * @param {{isNew: boolean, submit: () => void, label: string, cancel: Child, more?: Child}} what
 */
export function form(app, state, { isNew, submit, label, cancel, more }) {
  const errors = state.problem?.document.errors ?? [];
  const isOpen = state.more || MORE.some((pointer) => errorsAt(errors, pointer).length > 0);
  const { fields } = state;
  /** @param {Partial<Fields>} next */
  const set = (next) => {
    Object.assign(fields, next);
    app.update();
  };
  /** @param {TextName} name @param {string} label @param {Child} hint @param {Record<string, string | boolean>} [props] @param {string} [pointer] */
  const text = (name, label, hint, props = {}, pointer = `/${name}`) => row(errors, name, pointer, label, hint, (bound) => h("input", {
    name, type: "text", autocomplete: "off", spellcheck: "false", value: fields[name], ...bound, ...props,
    on: { input: (event) => set({ [name]: event.target.value }) },
  }));
  /** @param {TextName} name @param {string} label @param {[string, string][]} choices @param {Child} [hint] @param {string} [pointer] */
  const choice = (name, label, choices, hint, pointer = `/${name}`) => row(errors, name, pointer, label, hint, (bound) => h("select", {
    name, value: fields[name], ...bound, on: { change: (event) => set({ [name]: event.target.value }) },
  }, choices.map(([value, words]) => h("option", { key: value, value }, words))));

  return h("form", { key: "form", class: "set-up", novalidate: true, autocomplete: "off", "aria-busy": state.working ? "true" : null, on: { submit: (event) => { event.preventDefault(); submit(); } } },
    text("url", "URL", "Where webhooks are posted: https, to a public address unless the settings open others.", { inputmode: "url", autofocus: true }),
    text("description", "Description", "For people: whose it is, what it is for."),
    isNew && text("id", "Id", "1 to 64 letters, digits, - and _. Left empty, one is made; it stays as it is."),
    types(errors, fields, set),
    folded(isOpen, (open) => { state.more = open; app.update(); }, "Which batches, how it is sent, signatures, headers and credentials",
      h("div", { class: "columns" },
        h("fieldset", { key: "which" }, h("legend", null, "Which batches"),
          accounts(app, errors, fields, set),
          text("broadcasts", "Broadcasts", "Ids, with commas between them. None: all."),
          pairs(app, errors, fields, "labels", "Labels", "A batch must have all of these. None: all batches.", "text")),
        h("fieldset", { key: "how" }, h("legend", null, "How it is sent"),
          text("timeout", "Timeout", "1 to 30 seconds for an attempt. Empty: as usual.", { inputmode: "decimal" }),
          text("rate", "Deliveries a second, at most", "Empty: no bound.", { inputmode: "decimal" }),
          text("concurrency", "Attempts at once, at most", "Empty: as usual.", { inputmode: "numeric" }),
          choice("ordering", "Order", [["none", "None: each as soon as it can"], ["batch", "By batch: later events wait for earlier ones"]]),
          choice("form", "Form", [["plain", "The event as it is"], ["cloudevents", "CloudEvents, as one document"], ["cloudevents-binary", "CloudEvents, in headers"]])),
        h("fieldset", { key: "trust" }, h("legend", null, "Signatures and credentials"),
          signatures(errors, fields, set),
          choice("credentials", "Authorization", [
            ...(isNew ? [] : [/** @type {[string, string]} */ (["keep", "As it is"])]), ["none", "None"], ["bearer", "A bearer token"], ["basic", "A name and a password"],
          ], "Beside the signature, for receivers that want it.", "/authorization"),
          fields.credentials === "bearer" && text("bearer", "Bearer token", undefined, { type: "password", autocomplete: "new-password" }, "/authorization/bearer"),
          fields.credentials === "basic" && text("username", "Name", undefined, {}, "/authorization/basic/username"),
          fields.credentials === "basic" && text("password", "Password", undefined, { type: "password", autocomplete: "new-password" }, "/authorization/basic/password"),
          isNew ? null : choice("headersAre", "Custom headers", [["keep", "As they are"], ["set", "These, and no others"]], undefined, "/-"),
          fields.headersAre === "set" && pairs(app, errors, fields, "headers", isNew ? "Custom headers" : "Headers", "Their values are never shown again.", "password"),
          isNew && choice("verification", "Before it is made", [["none", "Nothing is asked of the receiver"], ["ping", "It must accept a signed ping"], ["cloudevents", "It must consent, as CloudEvents' Web Hooks have it"]])))),
    marked(errors) ? h("div", { key: "marked", class: "problem", role: "alert" }, h("p", null, h("strong", null, "Not done."), ` What is not right is marked above (${errors.length}).`)) : problemBox(state.problem, more),
    h("p", { key: "do", class: "row" },
      h("button", { type: "submit", class: "first", "aria-busy": state.working ? "true" : null }, state.working ? `${label}…` : label), cancel));
}

/** Whether all that was refused stands at its field. @param {{pointer?: string, message: string}[]} errors */
function marked(errors) {
  return errors.length > 0 && errors.every((error) => FIELDS.some((field) => errorsAt([error], field).length > 0));
}

/**
 * A field with its label, its hint, and what was refused of it.
 * @param {{pointer?: string, message: string}[]} errors
 * @param {string} name
 * @param {string} pointer
 * @param {string} label
 * @param {Child} hint
 * @param {(bound: Record<string, string>) => Child} input
 */
function row(errors, name, pointer, label, hint, input) {
  return checkedField({ id: `e-${name}`, label, hint, wrong: said(errorsAt(errors, pointer)) }, input);
}

/** @param {{message: string}[]} found */
const said = (found) => found.map((error) => error.message).join(". ");

/** @param {{pointer?: string, message: string}[]} errors @param {Fields} fields @param {(next: Partial<Fields>) => void} set */
function types(errors, fields, set) {
  const chosen = new Set(fields.types);
  const isAll = chosen.size === 0 || chosen.has("*");
  /** @param {string} type @param {boolean} on */
  const turn = (type, on) => {
    if (on) chosen.add(type);
    else chosen.delete(type);
    chosen.delete("*");
    const group = type.endsWith(".*") ? type.slice(0, -1) : null;
    set({ types: [...chosen].filter((each) => group === null || each === type || !each.startsWith(group)) });
  };
  return h("fieldset", { key: "types", class: "types" },
    h("legend", null, "Events"),
    h("p", { class: "hint" }, isAll ? "None is chosen: it gets all events." : "It gets the chosen ones."),
    h("div", { class: "columns" }, EVENTS.map(([group, members]) => h("div", { key: group },
      tick(`e-type-${group}`, h("strong", null, `${group}.*`), chosen.has(`${group}.*`), (on) => turn(`${group}.*`, on)),
      members.map((type) => tick(`e-type-${type}`, type, chosen.has(type) || chosen.has(`${group}.*`), (on) => turn(type, on), chosen.has(`${group}.*`)))))),
    refused("e-types-error", said(errorsAt(errors, "/types"))));
}

/** @param {App} app @param {{pointer?: string, message: string}[]} errors @param {Fields} fields @param {(next: Partial<Fields>) => void} set */
function accounts(app, errors, fields, set) {
  const names = [...new Set([...Object.keys(app.page?.accounts ?? {}), ...fields.accounts])];
  if (names.length < 2 && fields.accounts.length === 0) return null;
  return h("fieldset", { key: "accounts", class: "inner" },
    h("legend", null, "Accounts"),
    h("div", { class: "ticks" }, names.map((name) => tick(`e-account-${name}`, outside(name), fields.accounts.includes(name),
      (on) => set({ accounts: on ? [...fields.accounts, name] : fields.accounts.filter((each) => each !== name) })))),
    h("p", { class: "hint" }, "None: all."),
    refused("e-accounts-error", said(errorsAt(errors, "/accounts"))));
}

/** @param {{pointer?: string, message: string}[]} errors @param {Fields} fields @param {(next: Partial<Fields>) => void} set */
function signatures(errors, fields, set) {
  /** @param {string} scheme @param {boolean} on */
  const turn = (scheme, on) => set({ signatures: ["v1", "v1a"].filter((each) => (each === scheme ? on : fields.signatures.includes(each))) });
  return h("fieldset", { key: "signatures", class: "inner" },
    h("legend", null, "Signatures"),
    tick("e-signature-v1", "v1: a secret that both sides know", fields.signatures.includes("v1"), (on) => turn("v1", on)),
    tick("e-signature-v1a", "v1a: a key pair, of which the receiver needs the public one", fields.signatures.includes("v1a"), (on) => turn("v1a", on)),
    refused("e-signatures-error", said(errorsAt(errors, "/signatures"))));
}

/**
 * Names with their values, a row each, one empty row at the end always.
 * @param {App} app
 * @param {{pointer?: string, message: string}[]} errors
 * @param {Fields} fields
 * @param {"labels" | "headers"} which
 * @param {string} label
 * @param {string} hint
 * @param {"text" | "password"} kind
 */
function pairs(app, errors, fields, which, label, hint, kind) {
  const rows = fields[which];
  const last = rows.at(-1);
  if (last === undefined || last.name !== "" || last.value !== "") rows.push({ name: "", value: "" });
  const word = which === "labels" ? "Label" : "Header";
  return h("fieldset", { key: which, class: "inner" },
    h("legend", null, label),
    rows.map((row, index) => {
      const found = row.name === "" ? [] : errorsAt(errors, `/${which}/${pointerStep(row.name.trim())}`);
      const bad = found.length > 0 ? { "aria-invalid": "true", "aria-describedby": `e-${which}-${index}-error` } : {};
      return h("div", { key: `row ${index}`, class: "pair" },
        h("input", { type: "text", "aria-label": `${word} ${index + 1}, name`, placeholder: "name", autocomplete: "off", spellcheck: "false", value: row.name, ...bad, on: { input: (event) => { row.name = event.target.value; app.update(); } } }),
        h("input", { type: kind, "aria-label": `${word} ${index + 1}, value`, placeholder: "value", autocomplete: kind === "password" ? "new-password" : "off", value: row.value, ...bad, on: { input: (event) => { row.value = event.target.value; app.update(); } } }),
        h("button", { type: "button", "aria-label": `Remove ${word.toLowerCase()} ${index + 1}`, on: { click: () => { rows.splice(index, 1); app.update(); } } }, "✕"),
        refused(`e-${which}-${index}-error`, said(found)));
    }),
    h("p", { class: "hint" }, hint),
    refused(`e-${which}-error`, said(errors.filter((error) => error.pointer === `/${which}`))));
}
