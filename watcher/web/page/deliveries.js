// What is owed to endpoints, and was: a list of deliveries, the attempts of one on opening, and sending it again. Shared by the
// rooms `delivery` and `batches`.

import { ask, pathOf } from "./api.js";
import { h } from "./dom.js";
import { count, duration, exact } from "./format.js";
import { action, badge, disclosure, moment, nothing, outside, problemBox, table } from "./parts.js";
import { linkTo } from "./router.js";
import { linear } from "./svg.js";

/** @typedef {import("./types.js").App} App */
/** @typedef {import("./types.js").Child} Child */
/** @typedef {import("./types.js").Delivery} Delivery */
/** @typedef {import("./types.js").Schemas["DeliveryWhole"]} DeliveryWhole */
/** @typedef {import("./types.js").Schemas["AttemptKept"]} Attempt */
/** @typedef {import("./types.js").Schemas["AttemptKept"] | import("./types.js").Schemas["Sample"]} Tried */

/** What became of a delivery by an attempt. @type {Record<string, string>} */
const OUTCOMES = {
  done: "accepted",
  retried: "failed, to be tried again",
  dead: "failed, given up",
  held: "refused for good (410), held",
  returned: "asked to wait",
};
/** Why an attempt was made, where it was not simply due. @type {Record<string, string>} */
const CAUSES = { person: "sent again by a person", recovery: "recovered" };
/** @type {[keyof Tried["timings"], string][]} */
const PHASES = [["dns", "name"], ["connect", "connect"], ["tls", "TLS"], ["first_byte", "first byte"]];

/**
 * The rows to show. While one of them is opened they stay where they are, each as it was told of last, so that what somebody
 * reads is not pushed away by what comes; another list (`of` is what it is of) is not held.
 * @param {{of: string, rows: Delivery[]}} memory
 * @param {Delivery[]} deliveries
 * @param {string} of
 * @param {Set<number>} opened
 */
export function heldRows(memory, deliveries, of, opened) {
  const told = new Map(deliveries.map((each) => [each.id, each]));
  const isHeld = memory.of === of && memory.rows.some(({ id }) => opened.has(id));
  Object.assign(memory, { of, rows: isHeld ? memory.rows.map((each) => told.get(each.id) ?? each) : deliveries });
  return memory.rows;
}

/**
 * A list of deliveries; each opens to its attempts. `of` tells the list from others, `apart` says what is shown of each because
 * the list is not of one of it; `changed` is called when one was sent again.
 * @param {App} app
 * @param {Delivery[]} deliveries
 * @param {{caption: string, of: string, apart?: ("endpoint" | "batch")[], changed?: () => void, none?: Child}} list
 */
export function deliveryList(app, deliveries, { caption, of, apart = ["endpoint"], changed, none }) {
  const opened = app.local("deliveries opened", () => /** @type {Set<number>} */ (new Set()));
  const held = heldRows(app.local("deliveries shown", () => ({ of: "", rows: /** @type {Delivery[]} */ ([]) })), deliveries, of, opened);
  if (held.length === 0) return nothing(none ?? "No deliveries.");
  const listed = new Set(deliveries.map(({ id }) => id));
  const rows = held.map((row) => (listed.has(row.id) ? row : wholeOf(app, row.id).data ?? row));
  const shown = new Set(rows.map(({ id }) => id));
  const others = deliveries.filter(({ id }) => !shown.has(id)).length;
  /** @param {Delivery} delivery */
  const toggle = (delivery) => {
    if (!opened.delete(delivery.id)) opened.add(delivery.id);
    app.update();
  };
  return h("div", { class: "deliveries" }, table(caption, [
    {
      name: "Event", cell: (row) => disclosure(opened.has(row.id), () => toggle(row), row.event_type, `Attempts of ${row.event_type} ${row.event_id}`),
    },
    ...(apart.includes("batch") ? [{ name: "Batch", cell: batchOf }] : []),
    ...(apart.includes("endpoint") ? [{ name: "Endpoint", cell: (/** @type {Delivery} */ row) => h("a", { href: linkTo("delivery", [row.endpoint]) }, outside(row.endpoint)) }] : []),
    { name: "State", cell: (row) => badge(row.in_flight ? "sending" : row.state) },
    { name: "Last answer", cell: (row) => answerOf(row) },
    { name: "Attempts", class: "number", cell: (row) => count(row.attempts) },
    { name: "Happened", class: "instant", cell: (row) => moment(app, row.created) },
    { name: "Next try", class: "instant", cell: (row) => nextTry(app, row) },
  ], rows, (row) => String(row.id), (row) => opened.has(row.id) && history(app, row, changed, listed.has(row.id) ? null : deliveries)),
  others === 0 ? null : h("p", { key: "others", class: "hint" }, `The list stays as it is while one is opened: ${count(others)} ${others === 1 ? "other has" : "others have"} come.`));
}

/** @param {Delivery} row */
function batchOf(row) {
  if (row.account === null) return h("span", { class: "quiet none" }, "–");
  if (row.batch_id === null) return outside(row.account);
  return h("a", { href: linkTo("batches", [row.account, row.batch_id]) }, outside(row.account), ` / ${row.batch_id}`);
}

/** When it is tried again; what is due already waits for its endpoint, or its turn. @param {App} app @param {Delivery} row */
function nextTry(app, row) {
  if (row.state !== "pending") return h("span", { class: "quiet none" }, "–");
  if (row.due === null || new Date(row.due) > app.now) return moment(app, row.due, "as soon as it can");
  return h("time", { datetime: row.due, title: exact(row.due) }, "as soon as it can");
}

/** What came of an attempt, in short. @param {{code: number | null, error: string | null}} tried */
export function answerOf({ code, error }) {
  if (code !== null) return `HTTP ${code}`;
  return error === null ? h("span", { class: "quiet" }, "none yet") : error.replaceAll("_", " ");
}

/** A delivery with its attempts, as it was fetched last. @param {App} app @param {number} id @returns {import("./types.js").Fetched<DeliveryWhole>} */
const wholeOf = (app, id) => app.fetched(`delivery ${id}`);

/**
 * The attempts of a delivery, and the button that sends it again. They are fetched when they are first shown, and again
 * whenever the list tells something new of it; where `without` is a list that has it no more, with every such list.
 * @param {App} app
 * @param {Delivery} delivery
 * @param {() => void} [changed]
 * @param {Delivery[] | null} [without]
 */
export function history(app, delivery, changed, without = null) {
  const name = `delivery ${delivery.id}`;
  const asked = app.local(name, () => ({ of: "", without: /** @type {Delivery[] | null} */ (null) }));
  const now = JSON.stringify([delivery.state, delivery.attempts, delivery.ended, delivery.in_flight, delivery.due]);
  if (asked.of !== now || (without !== null && asked.without !== without)) {
    Object.assign(asked, { of: now, without });
    void app.fetch(name, (signal) => ask("GET", pathOf("v1", "deliveries", delivery.id), { signal }));
  }
  const { data, problem } = wholeOf(app, delivery.id);
  const { state, in_flight } = data ?? delivery; // the list may be a moment older
  return h("div", { class: "history" },
    problemBox(problem, h("button", { type: "button", on: { click: () => { asked.of = ""; app.update(); } } }, "Try again")),
    data === null ? problem === null && h("p", { class: "quiet" }, "Loading its attempts…") : attempts(app, data.history),
    h("p", { class: "row" },
      app.may("write") ? action(app, `resend ${delivery.id}`, {
        label: "Send again", done: "It is sent again.", disabled: in_flight,
        ...(state === "done" ? { sure: "The receiver accepted it already, and will get it once more, with the same id." } : {}),
        run: async (key) => {
          const whole = await ask("POST", pathOf("v1", "deliveries", delivery.id, "resend"), { key, body: {} });
          await app.fetch(name, async () => whole);
          changed?.();
        },
      }) : null,
      h("span", { class: "quiet" }, "Event ", h("code", null, delivery.event_id), ` at position ${count(delivery.position)}, delivery ${delivery.id}`)));
}

/** @param {App} app @param {Attempt[]} tried */
function attempts(app, tried) {
  if (tried.length === 0) return h("p", { class: "quiet" }, "It was not tried yet.");
  const slowest = Math.max(...tried.map((each) => each.took));
  return h("ol", { class: "attempts" }, tried.map((each, index) => h("li", { key: `${each.at} ${index}` },
    h("p", null,
      h("strong", null, answerOf(each)), " ",
      h("span", { class: each.outcome === "done" ? "fine" : each.outcome === "returned" ? "" : "ill" }, OUTCOMES[each.outcome] ?? each.outcome), " · ",
      moment(app, each.at),
      CAUSES[each.cause] === undefined ? "" : ` · ${CAUSES[each.cause]}`,
      each.next_due !== null && index === tried.length - 1 ? [" · next try ", moment(app, each.next_due)] : null),
    tryDetails(each, slowest))));
}

/**
 * How one try went: where its time went, what was connected to, what was answered.
 * @param {Tried} tried
 * @param {number} [slowest] seconds that fill the width of its bar
 */
export function tryDetails(tried, slowest = tried.took) {
  const parts = PHASES.flatMap(([phase, name]) => {
    const seconds = tried.timings[phase];
    return seconds === null ? [] : [`${name} ${duration(seconds)}`];
  });
  const bytes = tried.answer.length;
  return [
    h("p", { class: "spent" },
      spent(tried, slowest),
      h("span", { class: "quiet" }, `took ${duration(tried.took)}`, parts.length === 0 ? "" : ` (${parts.join(", ")})`,
        tried.address === null ? null : [", at ", h("code", null, tried.address)],
        tried.retry_after === null ? "" : `, asked to wait ${duration(tried.retry_after)}`)),
    tried.detail === null ? null : h("p", null, outside(tried.detail)),
    tried.location === null ? null : h("p", null, "It points to ", h("code", null, outside(tried.location)), "; redirects are not followed."),
    bytes === 0 ? null : h("details", null, h("summary", null, `What it answered (${count(bytes)} characters)`), h("pre", { dir: "auto", tabindex: "0" }, tried.answer)),
  ];
}

/** Where the time went, drawn; the same is said beside it. @param {Tried} tried @param {number} slowest */
function spent(tried, slowest) {
  const [width, height] = [160, 8];
  const x = linear([0, Math.max(slowest, 1e-6)], [0, width]);
  let from = 0;
  /** @type {(import("./dom.js").Element_ | null)[]} */
  const bars = PHASES.map(([phase]) => {
    const seconds = Math.min(tried.timings[phase] ?? 0, tried.took - from);
    const bar = seconds > 0 ? h("rect", { key: phase, class: phase, x: x(from).toFixed(1), y: 0, width: Math.max(x(seconds), 0.5).toFixed(1), height }) : null;
    from += Math.max(seconds, 0);
    return bar;
  });
  return h("svg", { class: "spent-bar", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    h("rect", { key: "all", class: "rest", x: 0, y: 0, width: x(tried.took).toFixed(1), height }), bars);
}
