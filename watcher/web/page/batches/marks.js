// By what the events of a batch are known: its labels and its correlation id, as they are and while they are changed.

import { ask, asRefusal, Refusal } from "../api.js";
import { h } from "../dom.js";
import { outside, problemBox } from "../parts.js";
import { linkTo } from "../router.js";
import { loadBatch, pathFor } from "./load.js";
import { labelList } from "./shown.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */
/** @typedef {import("../types.js").WatchDetails} WatchDetails */
/** @typedef {{id: number, name: string, value: string}} Row */
/** @typedef {{rows: Row[], correlation: string, working: boolean, problem: Refusal | null, next: number}} Form */

/** @param {App} app @param {Place} place */
const editing = (app, place) => app.local(`marks of ${place.steps.join("/")}`, () => ({ form: /** @type {Form | null} */ (null) }));

/** @param {WatchDetails} watch @returns {Form} */
function formOf(watch) {
  const rows = Object.entries(watch.labels).map(([name, value], id) => ({ id, name, value }));
  return { rows: [...rows, { id: rows.length, name: "", value: "" }], correlation: watch.correlation_id ?? "", working: false, problem: null, next: rows.length + 1 };
}

/**
 * What has to change so that the watch has what the form says, as a merge patch: null where nothing.
 * @param {{labels: Record<string, string>, correlation_id: string | null}} watch
 * @param {{rows: {name: string, value: string}[], correlation: string}} form
 */
export function patchOf(watch, { rows, correlation }) {
  const wanted = Object.fromEntries(rows.filter(({ name }) => name.trim() !== "").map(({ name, value }) => [name.trim(), value]));
  /** @type {[string, string | null][]} */
  const changes = Object.entries(wanted).filter(([name, value]) => watch.labels[name] !== value);
  for (const name of Object.keys(watch.labels)) if (!Object.hasOwn(wanted, name)) changes.push([name, null]);
  const id = correlation.trim() === "" ? null : correlation.trim();
  /** @type {{labels?: Record<string, string | null>, correlation_id?: string | null}} */
  const patch = {};
  if (changes.length > 0) patch.labels = Object.fromEntries(changes);
  if (id !== watch.correlation_id) patch.correlation_id = id;
  return Object.keys(patch).length === 0 ? null : patch;
}

/** @param {App} app @param {Place} place @param {WatchDetails} watch */
export function marks(app, place, watch) {
  const edited = editing(app, place);
  if (edited.form !== null && app.may("write")) return form(app, place, watch, edited, edited.form);
  const labels = Object.entries(watch.labels);
  const edit = () => {
    edited.form = formOf(watch);
    app.update();
  };
  return [
    h("dl", { key: "marks", class: "its-facts" },
      h("div", null, h("dt", null, "Labels"), h("dd", null, labels.length === 0 ? h("span", { class: "quiet" }, "none") : labelList(labels, (label) => linkTo("batches", [], { label })))),
      h("div", null, h("dt", null, "Correlation id"), h("dd", null, outside(watch.correlation_id, "none")))),
    app.may("write") ? h("p", { key: "change" }, h("button", { type: "button", class: "plain", on: { click: edit } }, "Change labels and correlation id")) : null,
  ];
}

/** @param {App} app @param {Place} place @param {WatchDetails} watch @param {{form: Form | null}} edited @param {Form} form */
function form(app, place, watch, edited, form) {
  const close = () => {
    edited.form = null;
    app.update();
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (form.working) return;
    const patch = patchOf(watch, form);
    if (patch === null) return close();
    form.working = true;
    form.problem = null;
    app.update();
    try {
      await ask("PATCH", pathFor(place), { body: patch });
      await loadBatch(app, place);
      close();
      app.announce("Labels and correlation id were changed.");
    } catch (error) {
      form.working = false;
      form.problem = asRefusal(error);
      app.update();
    }
  };
  return h("form", { class: "marks-form", on: { submit }, "aria-label": "Labels and correlation id" },
    h("fieldset", null, h("legend", null, "Labels"),
      form.rows.map((row, index) => labelRow(app, form, row, index)),
      h("p", { class: "hint" }, "Events that were told already keep theirs.")),
    h("div", { class: "field" }, h("label", { for: "correlation" }, "Correlation id"),
      h("input", { id: "correlation", type: "text", maxlength: 200, value: form.correlation, on: { input: (event) => { form.correlation = event.target.value; } } })),
    h("p", { class: "row" }, h("button", { type: "submit", class: "first" }, form.working ? "Saving…" : "Save"), h("button", { type: "button", on: { click: close } }, "Cancel")),
    problemBox(form.problem));
}

/** @param {App} app @param {Form} form @param {Row} row @param {number} index */
function labelRow(app, form, row, index) {
  const change = (/** @type {"name" | "value"} */ part) => (/** @type {any} */ event) => {
    row[part] = event.target.value;
    if (form.rows.at(-1) === row && row.name !== "") form.rows.push({ id: form.next++, name: "", value: "" });
    app.update();
  };
  const remove = () => {
    form.rows = form.rows.filter((each) => each !== row);
    app.update();
  };
  const said = row.name.trim() === "" ? `label ${index + 1}` : row.name.trim();
  return h("div", { class: "label-row", key: row.id },
    h("input", { type: "text", "aria-label": `Name of label ${index + 1}`, placeholder: "Name", maxlength: 100, autofocus: index === 0, value: row.name, on: { input: change("name") } }),
    h("input", { type: "text", "aria-label": `Value of ${said}`, placeholder: "Value", maxlength: 500, value: row.value, on: { input: change("value") } }),
    h("button", { type: "button", class: "small", "aria-label": `Remove ${said}`, on: { click: remove }, hidden: form.rows.at(-1) === row }, "✕"));
}
