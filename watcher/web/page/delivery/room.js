// The room `delivery`: who gets webhooks, how each of them stands, and what they are owed.

import { h } from "../dom.js";
import { linkTo } from "../router.js";
import { endpointView } from "./endpoint.js";
import { endpointList } from "./list.js";
import { keepFresh } from "./load.js";
import { making } from "./making.js";
import { owed } from "./owed.js";
import { forgetSecrets } from "./secrets.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */

/** @type {import("../types.js").Room} */
export const room = {
  name: "delivery",
  label: "Delivery",
  title: (place) => {
    if (place.steps[0] !== undefined) return `Endpoint ${place.steps[0]}`;
    if (place.query["make"] !== undefined) return "New endpoint";
    return place.query["state"] === undefined ? "Delivery" : "Deliveries";
  },
  enter(place, app) {
    const end = keepFresh(app);
    const id = place.steps[0];
    return () => {
      end();
      if (id !== undefined) forgetSecrets(app, id);
    };
  },
  view(place, app) {
    const id = place.steps[0];
    return id === undefined
      ? h("div", { key: "all", class: "delivery" }, all(app, place))
      : h("div", { key: `of ${id}`, class: "delivery" }, endpointView(app, place, id));
  },
};

/** The endpoints, a form for a new one, or the deliveries of all. @param {App} app @param {Place} place */
function all(app, place) {
  const { state, make } = place.query;
  const isMaking = make !== undefined && app.may("write");
  return [
    h("div", { key: "top", class: "row between" },
      h("nav", { class: "choices", "aria-label": "Delivery" },
        h("a", { href: linkTo("delivery"), "aria-current": state === undefined && !isMaking ? "page" : null }, "Endpoints"),
        h("a", { href: linkTo("delivery", [], { state: "any" }), "aria-current": state === undefined ? null : "page" }, "All deliveries")),
      app.may("write") && !isMaking && h("a", { class: "button", href: linkTo("delivery", [], { make: "yes" }) }, "New endpoint")),
    isMaking ? making(app) : state === undefined ? endpointList(app, place) : owed(app, place, undefined),
  ];
}
