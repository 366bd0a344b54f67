// A new endpoint: the form, and what becomes of it.

import { actionKey, ask, asRefusal, Refusal } from "../api.js";
import { h } from "../dom.js";
import { tryDetails } from "../deliveries.js";
import { toFirstError } from "../fields.js";
import { linkTo } from "../router.js";
import { bodyOf, empty } from "./body.js";
import { form } from "./form.js";
import { showSecrets } from "./secrets.js";

/** @typedef {import("../types.js").App} App */

/** @param {App} app */
export function making(app) {
  const state = app.local("delivery making", fresh);
  const submit = async () => {
    if (state.working) return;
    state.working = true;
    app.update();
    try {
      // The same key as long as the same is asked for: a lost answer and a second try do not make two.
      const text = JSON.stringify(bodyOf(state.fields));
      if (text !== state.asked) Object.assign(state, { asked: text, key: actionKey() });
      const made = /** @type {import("../types.js").Schemas["EndpointMade"]} */ (await ask("POST", "/v1/endpoints", { body: text, key: state.key, deadline: 60_000 }));
      Object.assign(state, fresh());
      app.announce(`Endpoint ${made.id} is made. Its secret is shown once.`);
      location.hash = linkTo("delivery", [made.id]);
      showSecrets(app, made.id, made.secrets);
    } catch (error) {
      state.working = false;
      state.problem = asRefusal(error);
      if (state.problem.status !== 0 && state.problem.status < 500) state.asked = ""; // it was answered: the next try is another
      toFirstError(app);
    }
    app.update();
  };
  const tried = /** @type {{attempt?: import("../types.js").Schemas["Sample"]} | undefined} */ (state.problem?.document)?.attempt;
  return form(app, state, {
    isNew: true, submit, label: "Make it",
    more: tried ? h("div", null, tryDetails(tried)) : null,
    cancel: h("a", { class: "button", href: linkTo("delivery"), on: { click: () => { Object.assign(state, fresh()); } } }, "Cancel"),
  });
}

function fresh() {
  return { fields: empty(), problem: /** @type {Refusal | null} */ (null), working: false, more: false, asked: "", key: "" };
}
