// What can be done with an endpoint: a row of buttons, and under it what the chosen one needs to know.

import { ask, asRefusal, pathOf, Refusal } from "../api.js";
import { tryDetails, answerOf } from "../deliveries.js";
import { h } from "../dom.js";
import { checkedField, field, nameChoice, toFirstError } from "../fields.js";
import { count } from "../format.js";
import { action, badge, outside } from "../parts.js";
import { linkTo } from "../router.js";
import { changesOf, faultsOf, fieldsOf } from "./body.js";
import { EVENTS } from "./events.js";
import { form } from "./form.js";
import { recovering } from "./recovering.js";
import { showSecrets } from "./secrets.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("../types.js").Endpoint} Endpoint */
/** @typedef {"test" | "change" | "rotate" | "disable" | "enable" | "recover" | "delete"} What */
/**
 * What was chosen, and what was typed for it.
 * @typedef {object} Doing
 * @property {What | null} what
 * @property {string} type
 * @property {import("../types.js").Schemas["Sample"] | null} sample
 * @property {string} grace
 * @property {string} reason
 * @property {boolean} sendHeld
 * @property {string} typed
 * @property {(import("./form.js").Form & {before: import("./body.js").Fields, etag: string}) | null} form
 */

/** @type {Record<What, string>} */
const LABELS = { test: "Test", change: "Change", rotate: "New secret", disable: "Disable", enable: "Enable", recover: "Recover", delete: "Delete" };
/** @type {Record<What, string>} */
const HEADINGS = {
  test: "Send a test", change: "Change how it is set up", rotate: "Replace its secret", disable: "Disable it",
  enable: "Enable it", recover: "Send again what it missed", delete: "Delete it",
};

/** @param {App} app @param {Endpoint} endpoint @param {string} etag @param {() => void} changed */
export function doing(app, endpoint, etag, changed) {
  if (!app.may("write")) return null;
  const state = app.local(`delivery doing ${endpoint.id}`, () => /** @type {Doing} */ ({
    what: null, type: "ping", sample: null, grace: "24h", reason: "", sendHeld: true, typed: "", form: null,
  }));
  const isOurs = endpoint.kept_by === "api";
  /** @type {What[]} */
  const choices = [
    "test", ...(isOurs ? /** @type {What[]} */ (["change", "rotate"]) : []), endpoint.state === "disabled" ? "enable" : "disable", "recover",
    ...(isOurs ? /** @type {What[]} */ (["delete"]) : []),
  ];
  const chosen = state.what !== null && choices.includes(state.what) ? state.what : null;
  /** @param {What} what */
  const choose = (what) => {
    state.what = chosen === what ? null : what;
    state.form = null;
    app.update();
  };
  const shown = { app, endpoint, state, etag, changed, close: () => { state.what = null; state.form = null; app.update(); } };
  return h("section", { key: "doing", class: "doing", "aria-label": "What can be done" },
    h("div", { class: "row" }, choices.map((what) => h("button", {
      key: what, type: "button", "aria-expanded": String(chosen === what), "aria-controls": chosen === what ? "doing" : null, on: { click: () => choose(what) },
    }, LABELS[what]))),
    chosen === null ? null : h("div", { key: chosen, id: "doing", class: "card", role: "group", "aria-labelledby": "h-doing" },
      h("h2", { id: "h-doing" }, HEADINGS[chosen]), PANELS[chosen](shown)));
}

/** @typedef {{app: App, endpoint: Endpoint, state: Doing, etag: string, changed: () => void, close: () => void}} Shown */

/** @type {Record<What, (shown: Shown) => Child>} */
const PANELS = { test, change, rotate, disable, enable, recover: ({ app, endpoint, changed }) => recovering(app, endpoint, changed), delete: remove };

/** @param {Endpoint} endpoint @param {...string} steps */
const at = (endpoint, ...steps) => pathOf("v1", "endpoints", endpoint.id, ...steps);

/** @param {Shown} shown */
function test({ app, endpoint, state }) {
  const { sample } = state;
  return [
    h("p", null, "A sample is sent at once, past everything that waits, and nothing is kept of it. It goes to a disabled endpoint too."),
    h("div", { class: "row" },
      field("test-type", "Event", nameChoice({ id: "test-type" }, ["ping", ...EVENTS.flatMap(([, types]) => types)], state.type, (type) => { state.type = type; app.update(); })),
      action(app, `test ${endpoint.id}`, {
        label: "Send it", class: "first",
        run: async (key) => {
          state.sample = null;
          state.sample = await ask("POST", at(endpoint, "test"), { key, body: { type: state.type }, deadline: 60_000 });
          app.announce(state.sample?.accepted ? "The receiver accepted it." : "The receiver did not accept it.");
        },
      })),
    sample === null ? null : h("div", { key: "sample", class: "history" },
      h("p", null, badge(sample.accepted ? "accepted" : "refused"), " ", h("strong", null, answerOf(sample)), ` to ${sample.type}`),
      tryDetails(sample)),
  ];
}

/** @param {Shown} shown */
function change({ app, endpoint, state, etag, changed, close }) {
  const begin = () => ({ fields: fieldsOf(endpoint), before: fieldsOf(endpoint), etag, problem: null, working: false, more: false });
  const now = (state.form ??= begin());
  const submit = async () => {
    const body = changesOf(now.before, now.fields);
    if (now.working) return;
    if (Object.keys(body).length === 0) {
      app.announce("Nothing is another than before.");
      close();
      return;
    }
    const faults = faultsOf(now.before, now.fields);
    if (faults.length > 0) {
      now.problem = new Refusal(0, { title: "The URL is not whole.", errors: faults });
      toFirstError(app);
      return;
    }
    now.working = true;
    app.update();
    try {
      await ask("PATCH", at(endpoint), { body, headers: { "If-Match": now.etag } });
      app.announce("Changed.");
      close();
      changed();
    } catch (error) {
      now.problem = asRefusal(error);
      now.working = false;
      changed();
      toFirstError(app);
    }
  };
  const anew = () => {
    state.form = begin();
    app.update();
  };
  const isConflict = now.problem?.status === 412 || now.problem?.kind === "changed-meanwhile";
  return form(app, now, {
    isNew: false, submit, label: "Change it",
    more: isConflict ? h("p", null, "Somebody changed it since you began, and nothing of yours was done. ", h("button", { type: "button", on: { click: anew } }, "Begin anew with how it is now")) : null,
    cancel: h("button", { type: "button", on: { click: close } }, "Cancel"),
  });
}

/** @param {Shown} shown */
function rotate({ app, endpoint, state, changed, close }) {
  const ends = /^0+[a-z]*$/.test(state.grace.trim());
  return [
    h("p", null, "The old secret signs along with the new one for the grace, so that the receiver has time to learn the new one. The new one is shown once."),
    h("div", { class: "row" },
      input(app, "grace", "Grace", state.grace, (text) => { state.grace = text; }, "Up to 7d, such as 12h; 0 ends the old one at once."),
      action(app, `rotate ${endpoint.id}`, {
        label: "Make a new secret",
        sure: ends ? "The old secret ends at once: what a receiver gets that knows only it, it will refuse." : `After ${state.grace.trim() || "the grace"} only the new secret signs.`,
        run: async (key) => {
          const grace = state.grace.trim();
          const made = /** @type {import("../types.js").Schemas["KeysMade"]} */ (await ask("POST", at(endpoint, "rotate"), { key, body: grace === "" ? {} : { grace: /^\d+$/.test(grace) ? Number(grace) : grace } }));
          close();
          showSecrets(app, endpoint.id, made.secrets);
          app.announce("A new secret was made. It is shown once.");
          changed();
        },
      })),
  ];
}

/** @param {Shown} shown */
function disable({ app, endpoint, state, changed, close }) {
  return [
    h("p", null, "Nothing is sent to it from then on. What happens is held for it, and can be sent when it is enabled again."),
    h("div", { class: "row" },
      input(app, "reason", "Why", state.reason, (text) => { state.reason = text; }, "For whoever finds it disabled."),
      action(app, `disable ${endpoint.id}`, {
        label: "Disable", sure: "Nothing more is sent to it.",
        run: async (key) => {
          await ask("POST", at(endpoint, "disable"), { key, body: state.reason.trim() === "" ? {} : { reason: state.reason.trim() } });
          close();
          app.announce("It is disabled.");
          changed();
        },
      })),
  ];
}

/** @param {Shown} shown */
function enable({ app, endpoint, state, changed, close }) {
  return [
    h("p", null, endpoint.held === 0 ? "Nothing is held for it: it gets what happens from now on." : `${count(endpoint.held)} deliveries are held for it.`),
    endpoint.held === 0 ? null : h("fieldset", { key: "held" }, h("legend", null, "What was held"),
      radio("held-send", "is sent now", state.sendHeld, () => { state.sendHeld = true; app.update(); }),
      radio("held-keep", "stays held; it can be recovered later", !state.sendHeld, () => { state.sendHeld = false; app.update(); })),
    action(app, `enable ${endpoint.id}`, {
      label: "Enable", class: "first",
      run: async (key) => {
        await ask("POST", at(endpoint, "enable"), { key, body: { send_held: state.sendHeld } });
        close();
        app.announce("It is enabled.");
        changed();
      },
    }),
  ];
}

/** @param {Shown} shown */
function remove({ app, endpoint, state, etag }) {
  return [
    h("p", null, "Nothing is sent to it any more, what waits for it is given up, and its secrets are gone. To stop sending for a while, disable it instead."),
    h("div", { class: "row" },
      input(app, "typed", h("span", null, "Type its id, ", h("code", null, outside(endpoint.id))), state.typed, (text) => { state.typed = text; }),
      action(app, `delete ${endpoint.id}`, {
        label: "Delete for good", class: "danger", disabled: state.typed !== endpoint.id,
        run: async () => {
          await ask("DELETE", at(endpoint), { headers: { "If-Match": etag } });
          location.hash = linkTo("delivery");
          app.announce(`Endpoint ${endpoint.id} is deleted.`);
        },
      })),
  ];
}

/** @param {App} app @param {string} id @param {Child} label @param {string} value @param {(text: string) => void} set @param {string} [hint] */
function input(app, id, label, value, set, hint) {
  return checkedField({ id: `do-${id}`, label, hint }, (bound) => h("input", {
    ...bound, type: "text", autocomplete: "off", spellcheck: "false", value, on: { input: (event) => { set(event.target.value); app.update(); } },
  }));
}

/** @param {string} id @param {string} label @param {boolean} checked @param {() => void} choose */
function radio(id, label, checked, choose) {
  return h("label", { key: id, class: "tick" }, h("input", { id, type: "radio", name: "held", checked, on: { change: choose } }), h("span", null, label));
}
