// Fields of forms: what they are called, what goes into them, and what is wrong with what stands there; told to who does not see
// them side by side too.

import { h } from "./dom.js";
import { outside } from "./parts.js";

/** @typedef {import("./types.js").Child} Child */

/** A labelled field of a form. @param {string} id @param {Child} label @param {Child} input @param {Child} [hint] */
export function field(id, label, input, hint) {
  return h("div", { class: "field", key: id }, h("label", { for: id }, label), input, hint === undefined ? null : h("p", { class: "hint", id: `${id}-hint` }, hint));
}

/**
 * A field in which something can be wrong. What stands in it is made with the props that bind it to its label, hint and fault.
 * @param {{id: string, label: Child, hint?: Child, wrong?: string | undefined}} what
 * @param {(props: Record<string, string>) => Child} input
 */
export function checkedField({ id, label, hint, wrong = "" }, input) {
  const described = [hint ? `${id}-hint` : "", wrong === "" ? "" : `${id}-error`].filter((each) => each !== "").join(" ");
  const props = { id, ...(described === "" ? {} : { "aria-describedby": described }), ...(wrong === "" ? {} : { "aria-invalid": "true" }) };
  return h("div", { class: "field", key: id }, h("label", { for: id }, label), input(props), hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null, refused(`${id}-error`, wrong));
}

/** What is wrong with what stands above it. @param {string} id @param {string} wrong */
export function refused(id, wrong) {
  return wrong === "" ? null : h("p", { key: "error", class: "refused", id }, outside(wrong));
}

/** What is chosen or not. @param {string} id @param {Child} label @param {boolean} checked @param {(on: boolean) => void} turn @param {boolean} [disabled] */
export function tick(id, label, checked, turn, disabled = false) {
  return h("label", { key: id, class: "tick" }, h("input", { id, type: "checkbox", checked, disabled, on: { change: (event) => turn(event.target.checked) } }), h("span", null, label));
}

/** A choice of one name. @param {Record<string, import("./dom.js").Given>} props @param {string[]} names @param {string} value @param {(name: string) => void} choose */
export function nameChoice(props, names, value, choose) {
  return h("select", { ...props, value, on: { change: (event) => choose(event.target.value) } }, names.map((name) => h("option", { key: name, value: name }, name)));
}

/** After the next drawing, focuses the first field with something wrong. @param {import("./types.js").App} app */
export function toFirstError(app) {
  app.update();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    /** @type {HTMLElement | null} */ (document.querySelector("form [aria-invalid=true]"))?.focus();
  }));
}
