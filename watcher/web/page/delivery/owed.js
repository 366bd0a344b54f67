// What endpoints are owed and were: of all of them, or of one; by state, the newest first, page by page.

import { pathOf, queryOf } from "../api.js";
import { deliveryList } from "../deliveries.js";
import { h } from "../dom.js";
import { problemBox, turning } from "../parts.js";
import { linkTo } from "../router.js";
import { done, load } from "./load.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */

const LIMIT = 25;
/** In what state deliveries can be, as it is asked for, and in words. @type {[string, string, string][]} */
const STATES = [
  ["any", "All", "Nothing was owed yet. An endpoint is owed every event that its filter lets through."],
  ["pending", "Pending", "Nothing waits: all that was owed is settled."],
  ["held", "Held", "Nothing is held back."],
  ["dead", "Dead", "Nothing ran out of attempts."],
  ["done", "Done", "Nothing was delivered yet."],
];

/** @param {App} app @param {Place} place @param {string | undefined} endpoint that they are of; all of them where it is left out */
export function owed(app, place, endpoint) {
  const [state = "any", , none = ""] = STATES.find(([name]) => name === place.query["state"]) ?? STATES[0] ?? [];
  const steps = endpoint === undefined ? [] : [endpoint];
  const path = (endpoint === undefined ? "/v1/deliveries" : pathOf("v1", "endpoints", endpoint, "deliveries"))
    + queryOf({ state: state === "any" ? undefined : state, limit: LIMIT, cursor: place.query["cursor"] });
  const { data, problem, loading } = /** @type {import("../types.js").Fetched<{document: import("../types.js").Schemas["DeliveryPage"], path: string}>} */ (load(app, "deliveries", path));
  return [
    h("nav", { key: "states", class: "choices", "aria-label": "Deliveries by state" }, STATES.map(([name, label]) =>
      h("a", { key: name, href: linkTo("delivery", steps, { state: name }), "aria-current": name === state ? "true" : null }, label))),
    problemBox(problem),
    data === null || (data.path !== path && !loading) // another list than the one that was asked for is shown for no longer than it takes
      ? problem === null && h("p", { class: "nothing" }, "Loading…")
      : h("div", { key: "list", "aria-busy": loading ? "true" : null },
        deliveryList(app, data.document.items, {
          caption: "Deliveries, the newest first", none, apart: endpoint === undefined ? ["batch", "endpoint"] : ["batch"], of: data.path, changed: () => done(app),
        }),
        turning(place.query["cursor"], data.document.next, (cursor) => linkTo("delivery", steps, { ...place.query, state, cursor }))),
  ];
}
