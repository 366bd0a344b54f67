// One endpoint: how it stands, what can be done with it, the last hour, how it is set up, and what it is owed.

import { pathOf, queryOf } from "../api.js";
import { h } from "../dom.js";
import { count, duration } from "../format.js";
import { ENDPOINTS } from "../meanings.js";
import { badge, moment, nothing, outside, problemBox, section } from "../parts.js";
import { linkTo } from "../router.js";
import { lastHour } from "./charts.js";
import { doing } from "./doing.js";
import { done, load } from "./load.js";
import { owed } from "./owed.js";
import { secretsOnce } from "./secrets.js";
import { goesOn, health, standing } from "./standing.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("../types.js").Endpoint} Endpoint */

/** @type {Record<string, string>} */
const FORMS = { plain: "the event as it is", cloudevents: "CloudEvents, as one document", "cloudevents-binary": "CloudEvents, in headers" };

/** @param {App} app @param {import("../types.js").Place} place @param {string} id */
export function endpointView(app, place, id) {
  const { data, problem } = /** @type {import("../types.js").Fetched<{document: Endpoint, etag: string}>} */ (
    load(app, `endpoint ${id}`, pathOf("v1", "endpoints", id) + queryOf({ recent: true })));
  const back = h("p", { key: "back" }, h("a", { href: linkTo("delivery") }, "← All endpoints"));
  if (data === null || problem?.status === 404) return [back, secretsOnce(app, id), problem === null ? nothing("Loading…") : problemBox(problem)];
  const endpoint = data.document;
  return [
    back,
    problemBox(problem, "What you see is as it was last."),
    secretsOnce(app, id),
    stands(app, endpoint),
    doing(app, endpoint, data.etag, () => done(app)),
    section("The last hour", lastHour(app, endpoint.recent)),
    setUp(app, endpoint),
    section("Deliveries", owed(app, place, id)),
  ];
}

/** @param {App} app @param {Endpoint} endpoint */
function stands(app, endpoint) {
  const word = standing(endpoint);
  const meaning = ENDPOINTS[word];
  return h("section", { key: "stands", class: "stands", "aria-label": "How it stands" },
    h("p", { class: "lead" }, badge(word), " ", h("strong", null, outside(endpoint.url)), endpoint.description === "" ? null : [" · ", outside(endpoint.description)]),
    meaning === undefined ? null : h("div", { class: `note ${word === "disabled" || word === "failing" || word === "open" ? "bad" : "warn"}` },
      h("p", null, meaning.what, endpoint.reason === "" ? null : [" Why: ", outside(endpoint.reason), "."],
        endpoint.until === null ? null : [` It ${word === "open" ? "is probed next" : goesOn(endpoint)} `, moment(app, endpoint.until), "."]),
      h("p", null, h("strong", null, "What to do: "), meaning.remedy)),
    h("div", { class: "health-of" },
      h("div", null, h("h2", { class: "minor" }, "Health"),
        health(endpoint).map(({ text, at }, index) => h("p", { key: index }, text, at === undefined ? null : [" ", moment(app, at), "."]))),
      h("dl", { class: "owing" },
        fact("Pending", count(endpoint.pending), endpoint.oldest === null ? null : ["oldest ", moment(app, endpoint.oldest)]),
        fact("Held", count(endpoint.held)),
        fact("Dead", h("span", { class: endpoint.dead > 0 ? "ill" : "" }, count(endpoint.dead))))));
}

/** @param {string} name @param {Child} value @param {Child} [more] */
function fact(name, value, more) {
  return h("div", { key: name }, h("dt", null, name), h("dd", null, value, more ? h("div", { class: "small quiet" }, more) : null));
}

/** @param {App} app @param {Endpoint} endpoint */
function setUp(app, endpoint) {
  const labels = Object.entries(endpoint.labels);
  /** @param {(string | number)[]} values @param {string} all */
  const some = (values, all) => (values.length === 0 ? h("span", { class: "quiet" }, all) : values.map((value, index) => [index === 0 ? "" : ", ", outside(value)]));
  return section("How it is set up",
    h("p", { class: "quiet" }, endpoint.kept_by === "settings"
      ? "The settings of the daemon keep it: it is changed there, and not here. Testing, disabling, enabling and recovering go here all the same."
      : ["It was made by the API", endpoint.created === null ? "." : [", ", moment(app, endpoint.created), "."]]),
    h("dl", { class: "set" },
      fact("Kind", endpoint.kind === "apprise" ? "apprise: people are told" : "webhook"),
      fact("Events", some(endpoint.types, "all")),
      fact("Accounts", some(endpoint.accounts, "all")),
      fact("Broadcasts", some(endpoint.broadcasts, "all")),
      fact("Labels", labels.length === 0 ? h("span", { class: "quiet" }, "any") : labels.map(([name, value], index) => [index === 0 ? "" : ", ", outside(name), ": ", outside(value)])),
      fact("Timeout", duration(endpoint.timeout)),
      fact("At once, at most", endpoint.concurrency === null ? h("span", { class: "quiet" }, "as usual") : count(endpoint.concurrency)),
      fact("A second, at most", endpoint.rate === null ? h("span", { class: "quiet" }, "no bound") : count(endpoint.rate)),
      fact("Order", endpoint.ordering === "batch" ? "by batch" : "none"),
      fact("Form", FORMS[endpoint.form] ?? endpoint.form),
      fact("Custom headers", some(endpoint.headers, "none")),
      fact("Authorization", endpoint.authorization ?? h("span", { class: "quiet" }, "none")),
      fact("Keys", endpoint.keys.map((key, index) => h("div", { key: index }, key.scheme, key.until === null ? "" : [", an old one, ends ", moment(app, key.until)]))),
      endpoint.public_keys.length === 0 ? null : fact("Public keys", endpoint.public_keys.map((key) => h("div", { key }, h("code", null, key))))));
}
