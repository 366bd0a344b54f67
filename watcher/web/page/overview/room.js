// The overview: what needs a person first, then how the accounts stand, how many batches are where, and what happened last.

import { h } from "../dom.js";
import { nothing, section } from "../parts.js";
import { accounts } from "./accounts.js";
import { changes, followChanges } from "./changes.js";
import { needsList } from "./needs_list.js";
import { statuses } from "./statuses.js";

/** @type {import("../types.js").Room} */
export const room = {
  name: "overview",
  label: "Overview",
  title: () => "Overview",
  enter: (_, app) => followChanges(app),
  view(place, app) {
    const page = pageFor(app);
    if (page === null) return nothing(app.connection.problem === null ? "Loading…" : "Nothing was loaded yet.");
    return [
      needsList(app, page),
      section("Accounts", accounts(app, page, place)),
      h("div", { key: "sides", class: "sides" }, section("Batches", statuses(page)), section("Last changes", changes(app))),
    ];
  },
};

/**
 * What the stream shows, or, until it shows what this room asks for, what it showed here last. What another room asked for would
 * be taken for all there is; and of what is old nobody could tell how old it is once the connection is lost.
 * @param {import("../types.js").App} app
 */
function pageFor(app) {
  const kept = app.local("overview kept", () => ({ page: /** @type {import("../types.js").PageDocument | null} */ (null) }));
  if (app.fits) kept.page = app.page;
  return app.fits || app.connection.problem === null ? kept.page : null;
}
