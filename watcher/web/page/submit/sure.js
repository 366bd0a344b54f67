// The second step: what will happen, in words; and the sending.

import { h } from "../dom.js";
import { count } from "../format.js";
import { outside, problemBox } from "../parts.js";
import { another, send, stateOf } from "./state.js";

/** @typedef {import("../types.js").App} App */

/** @param {App} app */
export function sure(app) {
  const state = stateOf(app);
  const { draft, checked } = state;
  const isText = draft.kind === "text";
  const whom = draft.how === "list" ? `the contacts of list ${draft.list.trim()}` : `${count(checked.count)} ${checked.count === 1 ? "recipient" : "recipients"}`;
  const left = draft.leaveOut ? checked.faulty : 0;
  const back = () => {
    state.step = "writing";
    state.problem = null;
    app.update();
  };
  return h("div", { key: "sure", class: "last-step", role: "group", "aria-labelledby": "sure-words" },
    h("p", { id: "sure-words", class: "lead" }, h("strong", null, whom), draft.kind === "" ? " will be called or texted" : isText ? " will be texted" : " will be called", " in broadcast ", h("strong", null, draft.broadcast.trim()), " of account ", h("strong", null, outside(draft.account)), ", as its settings at CallFire say."),
    h("ul", null,
      h("li", { key: "name" }, "The batch is called ", outside(draft.name.trim()), ", with a tag behind it."),
      left > 0 && h("li", { key: "left" }, `${count(left)} with something wrong ${left === 1 ? "is" : "are"} left out.`),
      draft.scrub && draft.how === "recipients" && h("li", { key: "scrub" }, "Whoever is there twice is called once."),
      h("li", { key: "once" }, "It is sent once, whatever happens: a second click or a lost answer sends nothing twice.")),
    state.unclear && h("p", { key: "unclear", class: "problem", role: "alert" }, "Whether it was sent is not certain. Try again: that is about the same batch, and nobody is called twice. To write another one instead, look first whether this one stands below."),
    problemBox(state.problem),
    h("p", { key: "do", class: "row" },
      h("button", { key: "send", type: "button", class: "danger", autofocus: true, "aria-busy": state.sending ? "true" : null, on: { click: () => void send(app) } }, state.sending ? "Sending…" : state.unclear ? "Try again" : `Send to ${whom}`),
      state.unclear ? h("button", { key: "another", type: "button", disabled: state.sending, on: { click: () => another(app) } }, "Write another one") : h("button", { key: "back", type: "button", disabled: state.sending, on: { click: back } }, "Back")));
}
