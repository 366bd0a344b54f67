// Batches that CallFire has already: a list of ids is pasted, looked through, and followed; what came of it stands at each row.

import { actionKey, ask, asRefusal, Refusal } from "../api.js";
import { h } from "../dom.js";
import { checkedField, field, nameChoice } from "../fields.js";
import { count } from "../format.js";
import { outside, problemBox, table } from "../parts.js";
import { linkTo } from "../router.js";
import { labelsIn } from "./draft.js";
import { bodiesOf, idsIn } from "./ids.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Schemas["RowResults"]} RowResults */
/** @typedef {import("./ids.js").Named} Named */
/** @typedef {{named: Named, result: string, wrong: string}} Came */
/**
 * `sent` are the bodies that are to be followed with their keys: kept until all of them were answered, so that a second try
 * after a lost answer repeats the same.
 * @typedef {{account: string, text: string, labels: string, named: Named[], working: boolean, problem: Refusal | null, came: Came[] | null, sent: {body: string, key: string}[] | null}} State
 */

const SHOWN = 100;
const DEADLINE = 60_000;

/** @param {App} app @returns {State} */
const stateOf = (app) => app.local("submit follow", () => ({ account: "", text: "", labels: "", named: [], working: false, problem: null, came: null, sent: null }));

/** @param {App} app */
export function follow(app) {
  const state = stateOf(app);
  const names = Object.keys(app.page?.accounts ?? {});
  const account = state.account || (names[0] ?? "");
  /** @param {Partial<State>} next */
  const set = (next) => {
    Object.assign(state, { came: null, problem: null, sent: null }, next);
    app.update();
  };
  const good = state.named.filter(({ id }) => id !== null);
  const bad = state.named.filter(({ id }) => id === null);
  const labels = labelsIn(state.labels);
  return h("form", { key: "follow", class: "set-up", novalidate: true, autocomplete: "off", on: { submit: (event) => {
    event.preventDefault();
    if (good.length > 0 && labels.wrong === "") void run(app, account);
  } } },
  names.length > 1 && field("f-account", "Account of these batches", nameChoice({ id: "f-account", disabled: state.working }, names, account, (name) => set({ account: name }))),
  field("f-ids", "Ids of batches at CallFire", h("textarea", { id: "f-ids", rows: 5, spellcheck: "false", "aria-describedby": "f-ids-hint", disabled: state.working, value: state.text, on: { input: (event) => set({ text: event.target.value, named: idsIn(event.target.value) }) } }), "One a line, or several with commas or blanks between them."),
  checkedField({ id: "f-labels", label: "Labels for all of them", hint: "name=value, one a line. May be left empty.", wrong: labels.wrong }, (bound) => h("textarea", {
    ...bound, rows: 2, disabled: state.working, value: state.labels, on: { input: (event) => set({ labels: event.target.value }) },
  })),
  bad.length > 0 && state.came === null && h("div", { key: "bad" },
    h("p", { class: "ill", role: "status" }, `${count(bad.length)} of ${count(state.named.length)} cannot be followed, and ${bad.length === 1 ? "is" : "are"} left out:`),
    table("Lines that are left out", [
      { name: "Line", class: "number", cell: (each) => count(each.line) },
      { name: "What stands there", cell: (each) => outside(each.text.slice(0, 60)) },
      { name: "Why", cell: (each) => h("span", { class: "ill" }, each.wrong) },
    ], bad.slice(0, SHOWN), (each) => `${each.line} ${each.text}`),
    bad.length > SHOWN && h("p", { class: "hint" }, `Not shown: ${count(bad.length - SHOWN)} more.`)),
  problemBox(state.problem),
  h("p", { key: "do", class: "row" },
    h("button", { type: "submit", class: "first", disabled: good.length === 0 || labels.wrong !== "", "aria-busy": state.working ? "true" : null }, state.working ? "Following…" : good.length === 0 ? "Follow" : `Follow ${count(good.length)} ${good.length === 1 ? "batch" : "batches"}`)),
  state.came !== null && outcome(state.came, account));
}

/** @param {App} app @param {string} account */
async function run(app, account) {
  const state = stateOf(app);
  if (state.working) return;
  const good = state.named.filter(({ id }) => id !== null);
  state.sent ??= bodiesOf(account, good.map(({ id }) => /** @type {bigint} */ (id)), labelsIn(state.labels).labels).map((body) => ({ body, key: actionKey() }));
  Object.assign(state, { working: true, problem: null, came: null });
  app.update();
  try {
    /** @type {Came[]} */
    const came = [];
    for (const { body, key } of state.sent) {
      const { items } = await rows(body, key);
      const from = came.length;
      for (const item of items) {
        const named = good[from + item.row];
        if (named !== undefined) came.push({ named, result: item.result ?? "refused", wrong: item.error ? String(item.error["detail"] ?? item.error["title"]) : "" });
      }
    }
    Object.assign(state, { came, sent: null });
    app.announce(`${came.filter(({ wrong }) => wrong === "").length} batches are followed.`);
  } catch (error) {
    state.problem = asRefusal(error);
    if (state.problem.status >= 400 && state.problem.status < 500) state.sent = null; // it was answered: nothing of it is uncertain
  }
  state.working = false;
  app.update();
}

/** What the daemon makes of these rows; where it wants none of them, that stands at each too. @param {string} body @param {string} key @returns {Promise<RowResults>} */
async function rows(body, key) {
  try {
    return await ask("POST", "/v1/watches", { body, key, deadline: DEADLINE });
  } catch (error) {
    const items = error instanceof Refusal && error.kind === "no-good-row" ? /** @type {{items?: RowResults["items"]}} */ (error.document).items : undefined;
    if (items === undefined) throw error;
    return { created: 0, known: 0, reopened: 0, refused: items.length, items };
  }
}

const WORDS = /** @type {Record<string, string>} */ ({ created: "✓ followed from now on", known: "✓ was followed already", reopened: "✓ followed again" });

/** @param {Came[]} came @param {string} account */
function outcome(came, account) {
  const refused = came.filter(({ wrong }) => wrong !== "");
  const others = came.filter(({ wrong }) => wrong === "");
  const shown = [...refused, ...others].slice(0, SHOWN);
  return h("div", { key: "came" },
    h("p", { role: "status" }, `${count(others.length)} followed`, refused.length > 0 && h("span", { class: "ill" }, `, ${count(refused.length)} not`), "."),
    table("What came of each", [
      { name: "Line", class: "number", cell: (each) => count(each.named.line) },
      { name: "Batch", cell: (each) => h("a", { href: linkTo("batches", [account, each.named.text]) }, each.named.text) },
      { name: "What came of it", cell: ({ result, wrong }) => (wrong === "" ? h("span", { class: "fine" }, WORDS[result] ?? result) : h("span", { class: "ill" }, outside(wrong))) },
    ], shown, (each) => each.named.text),
    came.length > SHOWN && h("p", { class: "hint" }, `Not shown: ${count(came.length - SHOWN)} more.`));
}
