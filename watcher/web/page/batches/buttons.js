// What can be done to a batch.

import { ask, Refusal } from "../api.js";
import { h } from "../dom.js";
import { action } from "../parts.js";
import { pathFor, thenLoad, whichOf } from "./load.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */
/** @typedef {import("../types.js").WatchDetails} WatchDetails */

/** @param {App} app @param {Place} place @param {WatchDetails} watch */
export function buttons(app, place, watch) {
  const isOpen = watch.state === "open";
  return h("div", { class: "buttons" },
    app.may("write") && isOpen ? lookNow(app, place, watch) : null,
    app.may("write") && !isOpen ? follow(app, place, "Follow again", watch.state === "expired") : null,
    app.may("submit") ? switchButton(app, place, watch) : null,
    app.may("write") ? stop(app, place) : null);
}

/** @param {App} app @param {Place} place @param {WatchDetails} watch */
function lookNow(app, place, watch) {
  return action(app, `look ${place.steps.join("/")}`, {
    label: "Look now", class: "first", done: "Looked.",
    run: (key) => thenLoad(app, place, async () => {
      const after = /** @type {WatchDetails} */ (await ask("POST", pathFor(place, "refresh"), { key, body: {} }));
      if (after.looks <= watch.looks && after.state === "open") throw new Refusal(202, { title: "Not seen yet.", detail: "CallFire has not answered yet, or may not be asked just now. It is looked at as soon as it can be." });
    }),
  });
}

/** @param {App} app @param {Place} place @param {string} label @param {boolean} [isFirst] whether it is what one most likely wants */
export function follow(app, place, label, isFirst = true) {
  return action(app, `follow ${place.steps.join("/")}`, {
    label, class: isFirst ? "first" : "", done: "It is followed.",
    run: (key) => thenLoad(app, place, () => ask("PUT", pathFor(place), { key, body: {} })),
  });
}

/** @param {App} app @param {Place} place */
function stop(app, place) {
  return action(app, `stop ${place.steps.join("/")}`, {
    label: "Stop following", done: "It is not followed any more.",
    sure: `Nobody is told of batch ${whichOf(place).id} from then on. At CallFire nothing changes.`,
    run: (key) => thenLoad(app, place, () => ask("DELETE", pathFor(place), { key })),
  });
}

/** Whether its contacts are called or texted: as it was switched here, until a look has seen it since. @param {App} app @param {Place} place @param {WatchDetails} watch */
export function isEnabled(app, place, watch) {
  const said = switched(app, place);
  return said.looks === watch.looks ? said.enabled : watch.enabled;
}

/** What it was switched to here, after how many looks. @param {App} app @param {Place} place */
const switched = (app, place) => app.local(`switched ${place.steps.join("/")}`, () => ({ enabled: /** @type {boolean | null} */ (null), looks: -1 }));

/** @param {App} app @param {Place} place @param {WatchDetails} watch */
function switchButton(app, place, watch) {
  const enabled = isEnabled(app, place, watch);
  if (enabled === null) return null;
  const to = !enabled;
  return action(app, `switch ${to} ${place.steps.join("/")}`, {
    label: to ? "Switch on" : "Switch off", done: to ? "It is on." : "It is off.",
    sure: to ? "CallFire calls or texts its contacts as soon as it is ready and its broadcast runs." : "CallFire calls or texts none of its contacts from then on, until it is switched on again.",
    run: (key) => thenLoad(app, place, async () => {
      const batch = /** @type {{enabled: boolean | null}} */ (await ask("PUT", pathFor(place, "enabled"), { key, body: { enabled: to } }));
      Object.assign(switched(app, place), { enabled: batch.enabled, looks: watch.looks });
    }),
  });
}
