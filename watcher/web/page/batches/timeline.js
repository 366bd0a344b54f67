// The life of a batch as times: which status it had from when to when, what is not known of the moments between, and the part of
// time that a drawing shows. All in milliseconds since 1970; nothing is drawn here.

/** @typedef {import("../types.js").WatchDetails} WatchDetails */
/** @typedef {WatchDetails["transitions"][number]} Transition */
/** @typedef {import("../types.js").Schemas["PastLook"]} PastLook */
/** @typedef {import("../types.js").Schemas["Looks"]} PastLooks */
/** @typedef {{from: number, to: number}} Span */
/** @typedef {Span & {number: number, status: string}} Stay a status that looks have shown, from the first to the last of them */
/** @typedef {Span & {number: number, status: string, previous: string | null, skipped: string[], isFirst: boolean}} Change */
/** @typedef {{at: number, number: number, type: string}} Occurrence that is no change of the status */

/**
 * @typedef {object} Life
 * @property {Stay[]} stays
 * @property {Change[]} changes a change happened some time in its span: after the last look that saw the old status, by the first with the new
 * @property {Occurrence[]} occurrences stuck, missing, expired
 * @property {number | null} created
 * @property {number} opened
 * @property {boolean} isOpen
 * @property {Span | null} eta
 * @property {number | null} next
 * @property {number} end when something was last learnt of it, now while it is open
 */

const OCCURRENCES = new Set(["batch.missing", "batch.stuck", "batch.unstuck", "watch.expired"]);

/** @param {WatchDetails} watch @param {number} now @returns {Life} */
export function lifeOf(watch, now) {
  const isOpen = watch.state === "open";
  const transitions = watch.transitions.filter((each) => !OCCURRENCES.has(each.type));
  const changes = transitions.map((each) => changeOf(each, watch));
  const occurrences = watch.transitions.filter((each) => OCCURRENCES.has(each.type)).map((each) => ({ at: Date.parse(each.timestamp), number: each.number, type: each.type }));
  const last = watch.last_look === null ? -Infinity : Date.parse(watch.last_look.answered);
  const ends = [...changes.map((each) => each.to), ...occurrences.map((each) => each.at)];
  const opened = Date.parse(watch.opened);
  const end = isOpen ? now : Math.max(...ends, last, ends.length === 0 ? opened : -Infinity);
  const stays = changes.map((each, index) => {
    const next = changes[index + 1];
    const until = next?.from ?? (watch.state === "settled" ? Infinity : end); // what it settled in it is still, as far as anybody knows
    return { from: each.to, to: Math.max(each.to, until), number: each.number, status: each.status };
  });
  return {
    stays, changes, occurrences, opened, isOpen, end,
    created: watch.created === null ? null : Date.parse(watch.created),
    eta: isOpen && watch.eta !== null ? { from: Date.parse(watch.eta.p50), to: Date.parse(watch.eta.p90) } : null,
    next: isOpen && watch.next_look !== null ? Date.parse(watch.next_look) : null,
  };
}

/** @param {Transition} each @param {WatchDetails} watch @returns {Change} */
function changeOf(each, watch) {
  const to = Date.parse(each.window?.by ?? each.timestamp);
  const after = each.window?.after ?? null;
  const came = after ?? (each.previous_status === null ? watch.created : null); // what was before the first look lies after its creation
  const from = came === null ? to : Math.min(Date.parse(came), to);
  return { from, to, number: each.number, status: each.status ?? "unseen", previous: each.previous_status, skipped: each.skipped, isFirst: after === null };
}

/** Steps of an axis, in milliseconds. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];
const TICKS = 6;

/** The step of an axis over so many milliseconds. @param {number} length */
export function stepOf(length) {
  return STEPS.find((step) => length / step <= TICKS) ?? Math.ceil(length / TICKS / 6048e5) * 6048e5;
}

/** Where an axis has its marks, at full hours and days where somebody lives who is so many minutes off UTC. @param {Span} span @param {number} offset @returns {number[]} */
export function ticksOf({ from, to }, offset) {
  const step = stepOf(to - from);
  const shift = step >= 36e5 ? offset * 6e4 : 0;
  const ticks = [];
  for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to; at += step) ticks.push(at);
  return ticks;
}

/**
 * What the drawing of a whole life shows: from the batch's creation on, and of the future what is expected, but not so much that
 * the past becomes a line. While it goes on its end is at a mark of the axis or half-way to one, so that it does not move with
 * every second.
 * @param {Life} life
 * @returns {Span}
 */
export function wholeOf(life) {
  return spanFrom(Math.min(life.created ?? Infinity, beginOf(life)), life);
}

/** @param {number} first @param {Life} life @returns {Span} */
function spanFrom(first, life) {
  const past = Math.max(life.end - first, 500);
  const expected = Math.max((life.eta?.to ?? 0) - life.end, (life.next ?? 0) - life.end, past / 20);
  const ahead = life.isOpen ? Math.min(expected, Math.max(1.5 * past, 3e4)) : past / 20;
  const step = stepOf(past + ahead) / 2;
  const to = life.isOpen ? Math.ceil((life.end + ahead) / step) * step : life.end + ahead;
  return { from: first - (to - first) / 50, to };
}

/** When something was first known of it here. @param {Life} life */
const beginOf = (life) => Math.min(life.opened, life.end, ...life.changes.map((each) => each.to), ...life.occurrences.map((each) => each.at));

/**
 * The part to enlarge beside the whole, where the whole is too long to tell apart what happened: all since it is followed, or
 * the last changes. Null where the whole shows it well.
 * @param {Life} life
 * @param {Span} whole
 * @returns {Span | null}
 */
export function closeOf(life, whole) {
  const followed = spanFrom(beginOf(life), life);
  const isLate = (life.isOpen || life.changes.length > 1) && isSmall(followed, whole);
  return changesIn(life, isLate ? followed : whole) ?? (isLate ? followed : null);
}

/** The last changes, where they are small in the span. @param {Life} life @param {Span} span @returns {Span | null} */
function changesIn(life, span) {
  const changes = life.changes.filter((each) => each.from >= span.from && !each.isFirst);
  const last = changes.at(-1);
  if (last === undefined) return null;
  let from = last.from;
  for (const each of changes.toReversed()) if (from - each.to <= (span.to - span.from) / 20) from = Math.min(from, each.from);
  const quarter = Math.max(last.to - from, 4) / 4;
  const part = { from: from - quarter, to: last.to + quarter };
  return isSmall(part, span) ? part : null;
}

/** @param {Span} part @param {Span} span */
const isSmall = (part, span) => part.to - part.from <= (span.to - span.from) / 12;

/**
 * Looks by their place in the drawing: of those that would cover each other the one that tells most. Place in percent.
 * @param {PastLook[]} looks
 * @param {Span} span
 * @returns {{at: number, result: string, by: string, many: number}[]}
 */
export function looksIn(looks, span) {
  /** @type {Map<number, {at: number, result: string, by: string, many: number}>} */
  const places = new Map();
  for (const look of looks) {
    const at = (Date.parse(look.answered) - span.from) / (span.to - span.from);
    if (at < 0 || at > 1) continue;
    const place = Math.round(at * 400);
    const there = places.get(place);
    const result = there === undefined || tells(look.result) > tells(there.result) ? look.result : there.result;
    places.set(place, { at: place / 4, result, by: there?.by === "single" ? there.by : look.by, many: (there?.many ?? 0) + 1 });
  }
  return [...places.values()];
}

const TELLING = ["untouched", "overtaken", "unchanged", "unanswered", "missing", "changed"];
/** @param {string} result */
const tells = (result) => TELLING.indexOf(result);
