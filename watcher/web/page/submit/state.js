// What the room keeps while the page is open: the batch that is being written, its key, and what came of sending it.

import { actionKey, ask, asRefusal, pathOf, Refusal } from "../api.js";
import { bodyOf, check, empty } from "./draft.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Schemas["Submission"]} Submission */
/** @typedef {import("./draft.js").Draft} Draft */
/**
 * `key` stands for this one batch, however often it is sent: made once, and anew only when it is certain that nothing was done.
 * `tried`: somebody wanted to go on, so what is wrong is shown. `unclear`: the answer to a sending was lost.
 * @typedef {object} State
 * @property {Draft} draft
 * @property {import("./draft.js").Check} checked
 * @property {"writing" | "sure" | "sent"} step
 * @property {string} key
 * @property {string} body what is sent, from the second step on
 * @property {boolean} tried
 * @property {boolean} sending
 * @property {boolean} unclear
 * @property {Refusal | null} problem
 * @property {Submission | null} sent
 */

/** The daemon answers after so many seconds, also where CallFire has not yet. */
const WAIT = 10;
const DEADLINE = 60_000;

/** @param {string} [account] @returns {State} */
function fresh(account = "") {
  const draft = empty(account);
  return { draft, checked: check(draft), step: "writing", key: actionKey(), body: "", tried: false, sending: false, unclear: false, problem: null, sent: null };
}

/** @param {App} app @returns {State} */
export function stateOf(app) {
  const state = app.local("submit", () => fresh());
  const names = Object.keys(app.page?.accounts ?? {});
  if (state.draft.account === "" && names.length > 0) change(app, { account: names[0] ?? "" });
  return state;
}

/** Changes what the form says. @param {App} app @param {Partial<Draft>} next */
export function change(app, next) {
  const state = app.local("submit", () => fresh());
  const draft = { ...state.draft, ...next };
  state.checked = check(draft, state);
  state.draft = draft;
  app.update();
}

/** To the second step, where nothing is wrong; whether that is so. @param {App} app */
export function goOn(app) {
  const state = stateOf(app);
  const body = Object.keys(state.checked.errors).length === 0 ? bodyOf(state.draft, state.checked) : "";
  if (body === null) state.checked = { ...state.checked, errors: { recipients: "That is more than can be sent at once (4 MB): make several batches of it." } };
  const isRight = Object.keys(state.checked.errors).length === 0;
  Object.assign(state, { tried: true, problem: null, body: body ?? "", step: isRight ? "sure" : "writing" });
  app.update();
  return isRight;
}

/** Begins another batch. @param {App} app */
export function another(app) {
  const state = stateOf(app);
  Object.assign(state, fresh(state.draft.account));
  app.update();
}

/** Sends it, once: a second click changes nothing, and a second try after a lost answer is about the same batch. @param {App} app */
export async function send(app) {
  const state = stateOf(app);
  if (state.sending || state.step !== "sure") return;
  Object.assign(state, { sending: true, problem: null });
  app.update();
  const { account, broadcast } = state.draft;
  const path = pathOf("v1", "accounts", account, "broadcasts", broadcast.trim(), "batches");
  try {
    const sent = /** @type {Submission} */ (await ask("POST", path, { body: state.body, key: state.key, headers: { Prefer: `wait=${WAIT}` }, deadline: DEADLINE }));
    Object.assign(state, { step: "sent", sent, unclear: false });
    app.announce(sent.state === "accepted" ? "CallFire has the batch." : "The batch is on its way.");
  } catch (error) {
    const problem = asRefusal(error);
    state.problem = problem;
    // Once an answer was lost, only word of this very batch makes it certain again: until then it keeps its key.
    const isOver = problem.kind === "submission-refused" || (!state.unclear && problem.status >= 400 && problem.status < 500);
    state.unclear = !isOver;
    if (isOver) Object.assign(state, { step: "writing", key: actionKey(), tried: true });
    app.announce("The batch was not sent, or that is not certain.");
  }
  state.sending = false;
  app.update();
}
