// What stands around every room: where one can go, how old what is shown is, who looks; and signing in.

import { ask, asRefusal, Refusal } from "./api.js";
import { h } from "./dom.js";
import { field } from "./fields.js";
import { ago, timeOfDay } from "./format.js";
import { action, outside, problemBox } from "./parts.js";
import { linkTo } from "./router.js";

/** @typedef {import("./types.js").App} App */
/** @typedef {import("./types.js").Session} Session */

/**
 * @param {App} app
 * @param {{rooms: import("./types.js").Room[], content: import("./types.js").Child, retry: () => void, signOut: () => Promise<void>}} parts
 */
export function frame(app, { rooms, content, retry, signOut }) {
  const session = app.session;
  const readOnly = !app.may("write") && !app.may("submit") && !app.may("admin");
  return [
    h("a", { key: "skip", class: "skip", href: "#view", on: { click: skip } }, "Skip to content"),
    h("header", { key: "header" },
      h("a", { class: "brand", href: linkTo("overview") }, "watcher"),
      h("nav", { "aria-label": "Rooms" }, h("ul", null, rooms.map((room) => h("li", { key: room.name },
        h("a", { href: linkTo(room.name), "aria-current": room.name === app.place.room ? "page" : null }, room.label))))),
      pulse(app),
      session === null || session.holder === "loopback" ? null : h("span", { class: "who" },
        outside(session.holder), readOnly ? " (may only read)" : "", " ", action(app, "sign out", { label: "Sign out", run: signOut, class: "plain" }))),
    banner(app, retry),
    content,
  ];
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("view")?.focus();
}

/** Whether the daemon is there, and does not want to show this. @param {Refusal | null} problem */
const isRefused = (problem) => problem !== null && problem.status >= 400 && problem.status < 500;

/** Whether what is shown is live. @param {App} app */
function pulse(app) {
  const { state, heard, problem } = app.connection;
  const words = { live: "Live", connecting: "Connecting…", lost: isRefused(problem) ? "Not live" : "Connection lost", resting: "Resting" };
  return h("span", { class: `pulse ${state}`, title: heard === null ? null : `Last heard at ${timeOfDay(heard)}` }, h("span", { class: "dot", "aria-hidden": "true" }), words[state]);
}

/**
 * How old what is shown is, where it is not live. Only that it is so is said aloud, not every second's age of it.
 * @param {App} app @param {() => void} retry
 */
function banner(app, retry) {
  const { state, heard, retry: next, problem } = app.connection;
  const isQuiet = state === "live" || problem === null;
  const what = state === "resting" ? "Resting." : isRefused(problem) ? "The daemon refuses to show this." : "Connection lost.";
  const age = heard === null ? "Nothing was loaded yet." : `What you see is from ${timeOfDay(heard)}, ${ago(heard, new Date())}.`;
  const again = next === null ? "" : ` Next try ${ago(next, new Date())}.`;
  return h("section", { key: "banner", class: `banner ${state}`, hidden: isQuiet, "aria-label": "Connection" },
    h("strong", { role: "status" }, isQuiet ? "" : what),
    isQuiet ? null : h("span", { key: "why" }, outside(problem.message), " ", age, again),
    isQuiet ? null : h("button", { key: "try", type: "button", disabled: state === "connecting", on: { click: retry } }, "Try now"));
}

/** Before the daemon has said who looks. @param {Refusal | null} problem @param {number} waited milliseconds */
export function arriving(problem, waited) {
  const words = problem !== null ? `${problem.message} It is tried again.` : waited < 1000 ? "" : "Waiting for the daemon…";
  return h("main", { id: "view", key: "arriving", tabindex: "-1" }, h("p", { role: "status", class: words === "" ? "" : "nothing" }, words));
}

/** @param {App} app @param {(session: Session) => void} signedIn */
export function signIn(app, signedIn) {
  const form = app.local("sign in", () => ({ token: "", working: false, problem: /** @type {Refusal | null} */ (null) }));
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (form.working || form.token.trim() === "") return;
    form.working = true;
    form.problem = null;
    app.update();
    try {
      const session = await ask("POST", "/v1/session", { body: { token: form.token.trim() } });
      form.token = "";
      form.working = false;
      signedIn(/** @type {Session} */ (session));
    } catch (error) {
      form.working = false;
      form.problem = asRefusal(error);
      app.update();
      requestAnimationFrame(() => /** @type {HTMLInputElement | null} */ (document.getElementById("token"))?.select());
    }
  };
  return h("main", { id: "view", key: "sign in", class: "sign-in", tabindex: "-1" },
    h("h1", null, "Sign in"),
    h("form", { on: { submit }, "aria-busy": form.working ? "true" : null },
      field("token", "Token", h("input", {
        id: "token", type: "password", name: "token", autocomplete: "current-password", required: true, autofocus: true, value: form.token,
        "aria-describedby": "token-hint", "aria-invalid": form.problem !== null && form.problem.status >= 400 && form.problem.status < 500 ? "true" : null,
        on: { input: (event) => { form.token = event.target.value; } },
      }), ["Whoever runs the daemon makes one: ", h("code", null, "watcher token new")]),
      h("button", { type: "submit", class: "first" }, form.working ? "Signing in…" : "Sign in"),
      problemBox(form.problem)));
}
