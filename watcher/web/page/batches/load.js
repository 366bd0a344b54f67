// What one batch's view fetches: again when something happened, and every few seconds, but not more often.

import { ask, pathOf, queryOf, Refusal } from "../api.js";
import { whileSeen } from "../seen.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */
/** @typedef {import("../types.js").WatchDetails} WatchDetails */

/** Milliseconds between two times: at least, and at most while all is calm. */
const [LEAST, MOST] = [2000, 5000];
/** Milliseconds between two times that it is seen whether one is due. */
const LOOK = 250;
/** Deliveries that are shown. */
export const OWED = 50;

/** @param {Place} place @returns {{account: string, id: string}} */
export function whichOf(place) {
  const [account = "", id = ""] = place.steps;
  return { account, id };
}

/** The path of a batch, or of what belongs to it. @param {Place} place @param {...string} steps */
export function pathFor(place, ...steps) {
  const { account, id } = whichOf(place);
  return pathOf("v1", "accounts", account, "batches", id, ...steps);
}

/** Under what name something of a batch is kept. @param {string} what @param {Place} place */
const nameOf = (what, place) => `${what} of batch ${place.steps.join("/")}`;

/** @param {App} app @param {Place} place */
export function fetchedOf(app, place) {
  return {
    watch: /** @type {import("../types.js").Fetched<WatchDetails>} */ (app.fetched(nameOf("watch", place))),
    why: /** @type {import("../types.js").Fetched<import("../types.js").Schemas["Explanation"]>} */ (app.fetched(nameOf("why", place))),
    looks: /** @type {import("../types.js").Fetched<import("./timeline.js").PastLooks>} */ (app.fetched(nameOf("looks", place))),
    owed: /** @type {import("../types.js").Fetched<import("../types.js").Schemas["DeliveryPage"]>} */ (app.fetched(nameOf("deliveries", place))),
  };
}

/** Fetches all of it. Why it is looked at when it is, is asked only while it is looked at; and of a batch that nobody follows there are no looks. @param {App} app @param {Place} place */
export async function loadBatch(app, place) {
  const { account, id } = whichOf(place);
  const owed = app.fetch(nameOf("deliveries", place), (signal) => ask("GET", `/v1/deliveries${queryOf({ account, batch_id: id, limit: OWED })}`, { signal }));
  await app.fetch(nameOf("watch", place), (signal) => ask("GET", pathFor(place), { signal }));
  const { data, problem } = fetchedOf(app, place).watch;
  const isOpen = problem === null && data?.state === "open";
  if (!isOpen) app.forget(nameOf("why", place));
  await Promise.all([
    owed,
    problem === null && app.fetch(nameOf("looks", place), (signal) => ask("GET", pathFor(place, "looks"), { signal })),
    isOpen && app.fetch(nameOf("why", place), (signal) => ask("GET", pathFor(place, "explanation"), { signal })),
  ]);
}

/** Keeps what is shown of a batch as it is while somebody looks; gives the end of it. @param {App} app @param {Place} place */
export function keepLoaded(app, place) {
  let position = app.page?.position ?? null;
  let loaded = Date.now();
  void loadBatch(app, place);
  const end = whileSeen(LOOK, () => {
    const now = app.page?.position ?? null;
    const age = Date.now() - loaded;
    if (app.connection.state !== "live" || fetchedOf(app, place).watch.loading || age < LEAST || (now === position && age < MOST)) return;
    position = now;
    loaded = Date.now();
    void loadBatch(app, place);
  });
  return () => {
    end();
    for (const what of ["watch", "why", "looks", "deliveries"]) app.forget(nameOf(what, place));
  };
}

/** Does something to the batch, then shows how it is afterwards. @template T @param {App} app @param {Place} place @param {() => Promise<T>} doing */
export async function thenLoad(app, place, doing) {
  const done = await doing();
  void loadBatch(app, place);
  return done;
}

/** Whether it was refused because nobody follows the batch. @param {Refusal | null} problem */
export const isUnfollowed = (problem) => problem?.kind === "not-followed";
