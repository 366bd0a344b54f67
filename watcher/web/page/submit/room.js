// The room `submit`: a batch is written, looked through, sent once and followed; batches that CallFire has already are followed.

import { h } from "../dom.js";
import { nothing, section } from "../parts.js";
import { follow } from "./follow.js";
import { form } from "./form.js";
import { stateOf } from "./state.js";
import { enter, sent, submissions } from "./submissions.js";
import { sure } from "./sure.js";

/** @type {import("../types.js").Room} */
export const room = {
  name: "submit",
  label: "Submit",
  title: () => "Submit",
  enter: (_, app) => enter(app),
  view(_, app) {
    if (app.page === null) return nothing("Loading…");
    if (Object.keys(app.page.accounts).length === 0) return nothing("No account.");
    const { step } = stateOf(app);
    return h("div", { key: "submitting", class: "submitting" },
      app.may("submit") && section("A new batch", step === "sure" ? sure(app) : step === "sent" ? sent(app) : form(app)),
      section("Sent to CallFire", submissions(app)),
      app.may("write") && section("Follow batches that are there", follow(app)),
      !app.may("submit") && !app.may("write") && h("p", { key: "reading", class: "hint" }, "Your token may only read: it sends nothing, and follows nothing."));
  },
};
