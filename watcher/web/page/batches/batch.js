// One batch: how it is and what to do, its facts, why it is looked at when it is, its life, and what was sent of it.

import { deliveryList } from "../deliveries.js";
import { h } from "../dom.js";
import { count, duration, exact, figure } from "../format.js";
import { ACCOUNTS, WATCHES } from "../meanings.js";
import { badge, moment, outside, problemBox, section } from "../parts.js";
import { linkTo } from "../router.js";
import { buttons, follow, isEnabled } from "./buttons.js";
import { etaTitle, etaWords } from "./eta.js";
import { drawn } from "./life.js";
import { fetchedOf, isUnfollowed, loadBatch, OWED, whichOf } from "./load.js";
import { marks } from "./marks.js";
import { contacts, statuses } from "./shown.js";
import { looksShown, story } from "./story.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("../types.js").Place} Place */
/** @typedef {import("../types.js").WatchDetails} WatchDetails */
/** @typedef {import("./timeline.js").PastLooks} PastLooks */

/** What a status means for whoever waits for it. */
const MEANINGS = new Map([
  ["NEW", "CallFire has it, and has not begun to look through its contacts."],
  ["VALIDATING", "CallFire is looking through its contacts."],
  ["ACTIVE", "It is ready: CallFire calls or texts its contacts when its broadcast runs."],
]);

/** @param {Place} place @param {App} app */
export function batch(place, app) {
  const { watch } = fetchedOf(app, place);
  const { account } = whichOf(place);
  const back = app.local("way back to batches", () => ({ link: linkTo("batches") }));
  return [
    h("p", { key: "back", class: "crumb" }, h("a", { href: back.link }, "← Batches"), " · ", outside(account)),
    watch.data === null ? unknown(app, place, watch) : known(app, place, watch.data, watch.problem),
  ];
}

/** @param {App} app @param {Place} place @param {import("../types.js").Fetched<WatchDetails>} watch */
function unknown(app, place, { problem }) {
  if (problem === null) return h("p", { key: "loading", class: "nothing" }, "Loading…");
  if (!isUnfollowed(problem)) return h("div", { key: "problem" }, problemBox(problem));
  return h("div", { key: "unfollowed", class: "state-of-it card" },
    h("p", null, h("strong", null, "It is not followed."), " Whether CallFire has it, and how it is, is not known here."),
    app.may("write") ? h("div", { class: "buttons" }, follow(app, place, "Follow it")) : null);
}

/** @param {App} app @param {Place} place @param {WatchDetails} watch @param {import("../types.js").Refusal | null} problem */
function known(app, place, watch, problem) {
  const { why, looks, owed } = fetchedOf(app, place);
  const isFollowed = !isUnfollowed(problem);
  const isLooked = isFollowed && watch.state === "open";
  return h("div", { key: "batch", class: "one" },
    isFollowed ? problemBox(problem) : null,
    h("div", { class: "state-of-it card" },
      watch.name ? h("p", { class: "its-name" }, outside(watch.name)) : null,
      isFollowed ? standing(app, watch, looks.data) : h("p", { class: "badges" }, "It is not followed any more. What is below was known of it."),
      isFollowed ? buttons(app, place, watch) : app.may("write") ? h("div", { class: "buttons" }, follow(app, place, "Follow again")) : null),
    section("Its life", drawn(app, watch, looks.data), story(app, watch),
      looks.data === null ? h("p", { class: "quiet" }, looks.problem === null ? "Loading its looks…" : "Its looks cannot be shown.") : looksShown(app, looks.data)),
    h("div", { class: isLooked ? "halves" : "whole" },
      section("Facts", facts(app, place, watch), isFollowed ? marks(app, place, watch) : null),
      isLooked ? section("Why it is looked at when it is", reasons(app, why)) : null),
    section("Deliveries", problemBox(owed.problem),
      owed.data === null ? owed.problem === null && h("p", { class: "nothing" }, "Loading…") : [
        deliveryList(app, owed.data.items, { caption: "Deliveries of this batch", of: place.steps.join("/"), changed: () => void loadBatch(app, place), none: noDeliveries(app, watch) }),
        owed.data.next === null ? null : h("p", { class: "hint" }, `The newest ${count(OWED)} are shown.`)]));
}

/** @param {App} app @param {WatchDetails} watch @returns {Child} */
function noDeliveries(app, watch) {
  if (watch.transitions.length === 0) return "Nothing was seen of it yet, so nothing was sent.";
  if (app.session?.accounts) return "No endpoint that this token may see was owed an event of it.";
  return ["No endpoint was owed an event of it: none was there then, or their filters leave it out. ", app.may("read") ? h("a", { href: linkTo("delivery") }, "See the endpoints") : null];
}

/** How it is, what that means, and what to do. @param {App} app @param {WatchDetails} watch @param {PastLooks | null} looks */
function standing(app, watch, looks) {
  const wrong = watch.attention === null ? undefined : WATCHES[watch.attention];
  const means = wrong?.what ?? (watch.status === null ? unseen(looks) : MEANINGS.get(watch.status));
  return [
    watch.state === "open" ? trouble(app, watch) : null,
    h("p", { key: "badges", class: "badges" }, statuses(watch), watch.since === null ? null : h("span", { class: "quiet" }, "since ", moment(app, watch.since)),
      watch.enabled === false ? h("span", { class: "badge warn" }, h("span", { "aria-hidden": "true", class: "sign" }, "!"), "switched off") : null),
    means === undefined ? null : h("p", { key: "means" }, means, wrong === undefined ? null : [" ", h("strong", null, wrong.remedy)]),
    shortFacts(watch) === "" ? null : h("p", { key: "short", class: "quiet" }, shortFacts(watch)),
    watch.state !== "open" ? null : h("div", { key: "eta", class: "ready-when" }, watch.eta === null
      ? h("span", { class: "quiet" }, watch.status === null ? "When it will be ready cannot be told before it is seen." : "When it will be ready cannot be told yet: too few batches of about its size have ended in this account.")
      : [h("span", { title: etaTitle(watch.eta) }, h("strong", null, `Ready ${etaWords(watch.eta, app.now)}`), h("span", { class: "quiet" }, " with a chance of 50 to 90 %"))]),
  ];
}

/** What is known of one that no look has seen. @param {PastLooks | null} looks */
function unseen(looks) {
  return looks?.items.at(-1)?.result === "missing" ? "CallFire does not have it, or not yet: it is asked again, and after a while the batch counts as missing. See whether its id and account are right." : "CallFire was not asked about it yet, or has not answered.";
}

/** That what is shown may be old, because CallFire is not asked as usual. @param {App} app @param {WatchDetails} watch */
function trouble(app, watch) {
  const account = app.page?.accounts[watch.account];
  if (account === undefined || account.condition === "ok" || account.condition === "throttled") return null;
  return h("p", { key: "trouble", class: "old" }, badge(account.condition), " ", ACCOUNTS[account.condition]?.what ?? outside(account.reason), " ",
    watch.last_look === null ? "It was never seen." : ["What is below is as it was seen ", moment(app, watch.last_look.answered), "."]);
}

/** @param {WatchDetails} watch */
function shortFacts({ size, broadcast_id: broadcast }) {
  const parts = [size === null ? null : `${count(size)} ${size === 1 ? "contact" : "contacts"}`, broadcast === null ? null : `broadcast ${broadcast}`];
  return parts.filter((part) => part !== null).join(" · ");
}

/** @param {App} app @param {Place} place @param {WatchDetails} watch */
function facts(app, place, watch) {
  const { id, account } = whichOf(place);
  const enabled = isEnabled(app, place, watch);
  /** @type {[string, Child][]} */
  const rows = [
    ["Batch", id], ["Account", outside(account)], ["Broadcast", outside(watch.broadcast_id)],
    ["Contacts", contacts(watch)], ["Not yet dialled or texted", watch.remaining === null ? "–" : count(watch.remaining)],
    ["Enabled", enabled === null ? h("span", { class: "quiet" }, "not known") : enabled ? "yes" : "no"],
    ["Created", moment(app, watch.created)], ["Followed since", moment(app, watch.opened)],
    ...(watch.state === "open" ? [/** @type {[string, Child]} */ (["Given up", moment(app, watch.expires, "after the usual time")])] : []),
    ["Looks", count(watch.looks)], ["Last look", moment(app, watch.last_look?.answered)],
  ];
  return h("dl", { class: "its-facts" }, rows.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))));
}

/** @param {App} app @param {import("../types.js").Fetched<import("../types.js").Schemas["Explanation"]>} why */
function reasons(app, { data, problem }) {
  if (data === null) return problem === null ? h("p", { class: "quiet" }, "Loading…") : h("p", { class: "quiet" }, outside(problem.message));
  /** @type {[string, Child][]} */
  const rows = [
    ["Next look", data.next_look !== null && Date.parse(data.next_look) <= app.now.getTime() ? h("span", { title: exact(data.next_look) }, "due now") : moment(app, data.next_look, "nobody can tell")],
    ["Last asked", `${duration(data.waited)} before`],
    ["Worth by itself", `${figure(data.worth)} s of waiting`],
    ["Worth with its page", data.page_worth === null ? "–" : `${figure(data.page_worth)} s`],
    ["Asked for at least", `${figure(data.threshold)} s`],
    ["Its place in the queue", count(data.rank)],
  ];
  return [
    h("p", { key: "summary", class: "summary" }, outside(data.summary)),
    h("dl", { key: "figures", class: "its-facts" }, rows.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value)))),
    data.ahead.length === 0 ? null : h("details", { key: "ahead" }, h("summary", null, `What goes before it (${count(data.rank - 1)})`),
      h("ol", null, data.ahead.map((each, index) => h("li", { key: index }, each.batch_id === null ? `page ${each.page} of broadcast ${each.broadcast_id}`
        : h("a", { href: linkTo("batches", [data.account, each.batch_id]) }, `batch ${each.batch_id}`), `, worth ${figure(each.worth)} s`)))),
  ];
}

