// Sending again what an endpoint missed: first it is counted, then agreed to, then sent portion by portion, for as long as somebody
// stays here.

import { actionKey, ask, asRefusal, pathOf, Refusal } from "../api.js";
import { h } from "../dom.js";
import { field, tick } from "../fields.js";
import { count, exact } from "../format.js";
import { problemBox } from "../parts.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Endpoint} Endpoint */
/** @typedef {import("../types.js").Schemas["Recovered"]} Recovered */
/**
 * `asked` is what was counted, with its end fixed by the daemon: the same is sent then.
 * @typedef {object} Recovery
 * @property {string} since as the browser's field has it: local time
 * @property {string} until
 * @property {string[]} states
 * @property {"ready" | "counting" | "counted" | "sending" | "sent"} at
 * @property {{since: string, until: string | null, states: string[]} | null} asked
 * @property {Record<string, number>} counts
 * @property {Record<string, number>} sent
 * @property {number} after where sending goes on
 * @property {string} key of the portions: one whose answer was lost is not sent twice
 * @property {Refusal | null} problem
 * @property {boolean} stopped
 */

/** @type {[string, string][]} */
const STATES = [
  ["dead", "that ran out of attempts"], ["held", "that is held back"], ["missing", "that it was never owed, and would be now"],
  ["pending", "that waits: it is sent at once"], ["done", "that it accepted: it gets it twice, with the same id"],
];
const DAY = 86_400_000;

/** @param {App} app @param {Endpoint} endpoint @param {() => void} changed */
export function recovering(app, endpoint, changed) {
  const state = app.local(`delivery recovery ${endpoint.id}`, () => begun(endpoint, app.now));
  const isBusy = state.at === "counting" || state.at === "sending";
  /** @param {Partial<Recovery>} next */
  const set = (next) => {
    Object.assign(state, next);
    app.update();
  };
  /** What was counted is not what is asked for any more. @param {Partial<Recovery>} next */
  const other = (next) => set({ ...next, at: "ready", asked: null, problem: null });
  if (endpoint.state === "disabled") return h("p", null, "It is disabled: enable it first, then recover what it missed.");
  const found = total(state.counts);
  return [
    h("p", null, "Events of a span of time are sent to it again. Nothing is sent before you have seen how many there are."),
    h("div", { class: "row" },
      when("since", "From", state.since, isBusy, (since) => other({ since })),
      when("until", "To before (empty: now)", state.until, isBusy, (until) => other({ until }))),
    h("fieldset", { key: "states" }, h("legend", null, "What of it"), h("div", { class: "ticks" }, STATES.map(([name, words]) =>
      tick(`recover-${name}`, [h("strong", null, name), ` ${words}`], state.states.includes(name),
        (on) => other({ states: STATES.map(([each]) => each).filter((each) => (each === name ? on : state.states.includes(each))) }), isBusy)))),
    h("div", { key: "do", class: "row" },
      h("button", { key: "count", type: "button", class: state.at === "counted" ? "" : "first", disabled: isBusy || state.since === "" || state.states.length === 0, on: { click: () => counted(app, endpoint, state) } },
        state.at === "counting" ? "Counting…" : "Count what there is"),
      isBusy ? h("button", { key: "stop", type: "button", on: { click: () => { state.stopped = true; app.update(); } } }, state.stopped ? "Stopping…" : "Stop") : null),
    problemBox(state.problem),
    state.at === "ready" ? null : h("div", { key: "found", class: "found", role: "status" },
      state.at === "counting" ? h("p", null, `${count(found)} so far…`) : null,
      state.at === "counted" ? found === 0
        ? h("p", null, "There is nothing to send again.")
        : [h("p", null, h("strong", null, `${count(found)} events`), `: ${inWords(state.counts)}.`),
          h("p", { class: "row" }, h("button", { type: "button", class: "danger", on: { click: () => sent(app, endpoint, state, changed) } }, total(state.sent) > 0 ? "Send the rest" : `Send ${count(found)} again`))] : null,
      state.at === "sending" || state.at === "sent" || total(state.sent) > 0
        ? [h("progress", { "aria-label": "Sent again", max: Math.max(found, 1), value: Math.min(total(state.sent), Math.max(found, 1)) }),
          h("p", null, `${count(total(state.sent))} of ${count(found)} are on their way.${state.at === "sent" ? " That is all." : ""}`)] : null,
      state.asked?.until ? h("p", { class: "small quiet" }, `Events up to ${exact(state.asked.until)}.`) : null),
  ];
}

/** @param {Endpoint} endpoint @param {Date} now @returns {Recovery} */
function begun(endpoint, now) {
  const since = endpoint.health.failing_since === null ? new Date(now.getTime() - DAY) : new Date(endpoint.health.failing_since);
  return { since: local(since), until: "", states: ["dead", "held", "missing"], at: "ready", asked: null, counts: {}, sent: {}, after: 0, key: "", problem: null, stopped: false };
}

/** @param {App} app @param {Endpoint} endpoint @param {Recovery} state */
async function counted(app, endpoint, state) {
  Object.assign(state, { at: "counting", counts: {}, sent: {}, after: 0, key: actionKey(), problem: null, stopped: false });
  app.update();
  state.asked = { since: new Date(state.since).toISOString(), until: state.until === "" ? null : new Date(state.until).toISOString(), states: state.states };
  try {
    const { ended } = await portions(app, endpoint, state, 0, true, state.counts);
    state.at = ended ? "counted" : "ready";
    if (ended) app.announce(`${count(total(state.counts))} events were found.`);
  } catch (error) {
    state.problem = asRefusal(error);
    state.at = "ready";
  }
  app.update();
}

/** @param {App} app @param {Endpoint} endpoint @param {Recovery} state @param {() => void} changed */
async function sent(app, endpoint, state, changed) {
  Object.assign(state, { at: "sending", problem: null, stopped: false });
  app.update();
  try {
    const { ended } = await portions(app, endpoint, state, state.after, false, state.sent);
    state.at = ended ? "sent" : "counted";
    app.announce(`${count(total(state.sent))} events are sent again.`);
  } catch (error) {
    state.problem = asRefusal(error);
    state.at = "counted";
  }
  changed();
  app.update();
}

/**
 * Portion after portion until the end, or until it is stopped or left.
 * @param {App} app
 * @param {Endpoint} endpoint
 * @param {Recovery} state
 * @param {number} from
 * @param {boolean} dryRun
 * @param {Record<string, number>} counts
 */
async function portions(app, endpoint, state, from, dryRun, counts) {
  /** @type {number | null} */
  let after = from;
  while (after !== null && !state.stopped && app.place.steps[0] === endpoint.id) {
    const part = /** @type {Recovered} */ (await ask("POST", pathOf("v1", "endpoints", endpoint.id, "recover"), {
      ...(dryRun ? {} : { key: `${state.key}-${after}` }), body: { ...state.asked, after, dry_run: dryRun },
    }));
    for (const [name, found] of Object.entries(part.counts)) counts[name] = (counts[name] ?? 0) + found;
    if (state.asked !== null) state.asked.until = part.until;
    after = part.after;
    if (!dryRun && after !== null) state.after = after;
    app.update();
  }
  return { ended: after === null };
}

/** @param {Record<string, number>} counts */
const total = (counts) => Object.values(counts).reduce((sum, each) => sum + each, 0);

/** @param {Record<string, number>} counts */
function inWords(counts) {
  return Object.entries(counts).filter(([, found]) => found > 0).map(([name, found]) => `${count(found)} ${name}`).join(", ");
}

/** @param {string} id @param {string} label @param {string} value @param {boolean} disabled @param {(value: string) => void} set */
function when(id, label, value, disabled, set) {
  return field(`recover-${id}`, label, h("input", { id: `recover-${id}`, type: "datetime-local", step: 1, value, disabled, on: { change: (event) => set(event.target.value) } }));
}

/** As the browser's field wants it. @param {Date} moment */
function local(moment) {
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
