// The life of a batch, drawn: its statuses with the windows between them, the looks, what is expected. Places along time are in
// percent, so that it fits every width without being measured; the same is said in words beside it (story.js).

import { h } from "../dom.js";
import { duration, exact, LANGUAGES } from "../format.js";
import { toneOf } from "../parts.js";
import { closeOf, lifeOf, looksIn, stepOf, ticksOf, wholeOf } from "./timeline.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Child} Child */
/** @typedef {import("./timeline.js").Span} Span */
/** @typedef {import("./timeline.js").Life} Life */
/** @typedef {import("./timeline.js").PastLooks} PastLooks */

/** Where things stand, from the top. What is said of occurrences and of now has a line each, so that neither covers the other. */
const [MARKS, NOW, LANE, LOOKS, AXIS, HEIGHT] = [15, 29, 38, 74, 102, 120];
const THICK = 26;
/** What an occurrence is called in the drawing. @type {Record<string, string>} */
export const OCCURRED = { "batch.missing": "missing", "batch.stuck": "stuck", "batch.unstuck": "moved on", "watch.expired": "expired" };

/** @param {App} app @param {import("../types.js").WatchDetails} watch @param {PastLooks | null} looks */
export function drawn(app, watch, looks) {
  const life = lifeOf(watch, app.now.getTime());
  const whole = wholeOf(life);
  const close = closeOf(life, whole);
  return h("figure", { class: "lives" },
    drawing(life, looks, whole, "Its whole life as a drawing; the list below says the same"),
    close === null ? null : h("figcaption", null, `Enlarged: ${duration((close.to - close.from) / 1000)} of it`),
    close === null ? null : drawing(life, looks, close, "A part of it, enlarged; the list below says the same"),
    legend(life, looks));
}

/** @param {Life} life @param {PastLooks | null} looks @param {Span} span @param {string} label */
function drawing(life, looks, span, label) {
  /** @param {number} at */
  const x = (at) => `${Math.min(Math.max(place(at), 0), 101).toFixed(2)}%`;
  /** @param {number} at */
  const place = (at) => (100 * (at - span.from)) / (span.to - span.from);
  /** @param {Span} part */
  const wide = (part) => `${Math.max(Math.min(place(part.to), 101) - Math.max(place(part.from), 0), 0).toFixed(2)}%`;
  /** @param {Span} part */
  const isIn = (part) => part.to >= span.from && part.from <= span.to;
  const unremembered = looks?.since ? { from: Math.max(span.from, life.opened), to: Math.min(Date.parse(looks.since), life.end) } : null;
  return h("svg", { class: "life", role: "img", "aria-label": label, height: HEIGHT },
    axis(span, x),
    life.changes.filter((each) => isIn(each) && each.to > each.from).map((each) => h("svg", { key: `window ${each.number}`, x: x(each.from), width: wide(each), y: LANE, height: THICK, class: `window ${toneOf(each.status)}` },
      h("title", { dir: "auto" }, windowWords(each)), h("rect", { width: "100%", height: "100%" }),
      each.skipped.length === 0 ? null : h("text", { x: 5, y: 17, class: "skipped", dir: "auto" }, `${each.skipped.map(spaced).join(", ")} unseen`))),
    life.stays.filter(isIn).map((each) => h("svg", { key: `stay ${each.number}`, x: x(each.from), width: wide(each), y: LANE, height: THICK, class: `stay ${toneOf(each.status)}` },
      h("title", { dir: "auto" }, `${each.status} from ${exact(new Date(each.from))}${each.to === Infinity ? "" : `, for ${duration((each.to - each.from) / 1000)}`}`),
      h("rect", { width: "100%", height: "100%" }), h("text", { x: 6, y: 17, dir: "auto" }, spaced(each.status)))),
    life.changes.filter(isIn).map((each) => h("line", { key: `by ${each.number}`, class: `by ${toneOf(each.status)}`, x1: x(each.to), x2: x(each.to), y1: LANE - 3, y2: LANE + THICK + 3 })),
    life.occurrences.filter((each) => isIn({ from: each.at, to: each.at })).map((each) => occurrence(each, x(each.at), place(each.at))),
    unremembered !== null && unremembered.to > unremembered.from ? h("svg", { key: "unremembered", class: "unremembered", x: x(unremembered.from), width: wide(unremembered), y: LOOKS - 2, height: 22 },
      h("title", { dir: "auto" }, "Looks of this time are not remembered"), h("rect", { width: "100%", height: "100%" }), unremembered.to - unremembered.from < (span.to - span.from) / 4 ? null : h("text", { x: 5, y: 15 }, "not remembered")) : null,
    looksIn(looks?.items ?? [], span).map((look) => h("line", { key: `look ${look.at}`, class: `look ${look.result}`, x1: `${look.at}%`, x2: `${look.at}%`, y1: look.by === "page" ? LOOKS + 6 : LOOKS, y2: LOOKS + 18 })),
    future(life, span, x, wide));
}

/** @param {Life} life @param {Span} span @param {(at: number) => string} x @param {(part: Span) => string} wide @returns {Child} */
function future(life, span, x, wide) {
  if (!life.isOpen || life.end > span.to || life.end < span.from) return null;
  const eta = life.eta;
  return [
    eta === null || eta.from > span.to ? null : h("svg", { key: "eta", class: "expected", x: x(eta.from), width: wide({ from: eta.from, to: Math.max(eta.to, eta.from) }), y: LANE, height: THICK },
      h("title", { dir: "auto" }, `Ready by ${exact(new Date(eta.from))} with a chance of 50 %, by ${exact(new Date(eta.to))} of 90 %`),
      h("rect", { width: "100%", height: "100%" }), span.to - eta.from < (span.to - span.from) / 8 ? null : h("text", { x: 6, y: 17 }, "50–90 %")),
    eta !== null && eta.to > span.to ? h("text", { key: "more", class: "more", x: "100%", y: LANE + 17, "text-anchor": "end" }, eta.from > span.to ? "expected later →" : "→") : null,
    life.next === null || life.next > span.to ? null : h("line", { key: "next", class: "look next", x1: x(Math.max(life.next, life.end)), x2: x(Math.max(life.next, life.end)), y1: LOOKS, y2: LOOKS + 18 },
      h("title", { dir: "auto" }, `Next look about ${exact(new Date(life.next))}`)),
    h("line", { key: "now", class: "now", x1: x(life.end), x2: x(life.end), y1: NOW + 3, y2: AXIS }),
    h("text", { key: "now word", class: "now", x: x(life.end), y: NOW, "text-anchor": life.end - span.from > 0.9 * (span.to - span.from) ? "end" : "middle" }, "now"),
  ];
}

/** @param {import("./timeline.js").Occurrence} each @param {string} x @param {number} place */
function occurrence(each, x, place) {
  const tone = each.type === "batch.unstuck" ? "calm" : each.type === "batch.stuck" ? "warn" : "bad";
  return h("g", { key: `mark ${each.number}`, class: `mark ${tone}` },
    h("title", { dir: "auto" }, `${OCCURRED[each.type] ?? each.type}, ${exact(new Date(each.at))}`),
    h("line", { x1: x, x2: x, y1: MARKS, y2: LANE + THICK }),
    h("circle", { cx: x, cy: MARKS, r: 3.5 }),
    h("text", { x, y: MARKS - 6, "text-anchor": place > 90 ? "end" : place < 10 ? "start" : "middle" }, OCCURRED[each.type] ?? each.type));
}

/** @param {Span} span @param {(at: number) => string} x */
function axis(span, x) {
  const step = stepOf(span.to - span.from);
  const form = clockOf(step);
  return [
    h("line", { class: "axis", x1: "0%", x2: "100%", y1: AXIS, y2: AXIS }),
    ticksOf(span, -new Date(span.to).getTimezoneOffset()).map((at, index) => {
      const place = (at - span.from) / (span.to - span.from);
      return h("g", { key: `tick ${at}`, class: index % 2 === 1 ? "tick second" : "tick" },
        h("line", { x1: x(at), x2: x(at), y1: LANE - 6, y2: AXIS + 3 }),
        h("text", { x: x(at), y: HEIGHT - 3, "text-anchor": place < 0.06 ? "start" : place > 0.94 ? "end" : "middle" }, form.format(new Date(at))));
    }),
  ];
}

/** How moments of an axis with such steps are written. @param {number} step */
function clockOf(step) {
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "2-digit", minute: "2-digit" };
  if (step >= 864e5) return new Intl.DateTimeFormat(LANGUAGES, { month: "short", day: "numeric" });
  if (step >= 216e5) return new Intl.DateTimeFormat(LANGUAGES, { weekday: "short", ...time });
  if (step >= 6e4) return new Intl.DateTimeFormat(LANGUAGES, time);
  if (step >= 1000) return new Intl.DateTimeFormat(LANGUAGES, { ...time, second: "2-digit" });
  return new Intl.DateTimeFormat(LANGUAGES, { minute: "2-digit", second: "2-digit", fractionalSecondDigits: step >= 100 ? 1 : step >= 10 ? 2 : 3 });
}

/** What the signs of the drawing mean, as far as they are in it. @param {Life} life @param {PastLooks | null} looks */
function legend(life, looks) {
  const has = (/** @type {(look: import("./timeline.js").PastLook) => boolean} */ is) => looks?.items.some(is) ?? false;
  const parts = [
    ["status", "seen", life.stays.length > 0], ["window", "changed some time in it", life.changes.some((each) => each.to > each.from)],
    ["look", "look", has(() => true)], ["look page", "on a page", has((look) => look.by === "page")], ["look changed", "that saw a change", has((look) => look.result === "changed")],
    ["look missing", "unanswered, or not there", has((look) => look.result === "unanswered" || look.result === "missing")], ["expected", "expected to be ready", life.eta !== null],
  ];
  return h("ul", { class: "life-key", "aria-hidden": "true" }, parts.map(([kind, words, isThere]) => isThere && h("li", { key: String(words) }, h("span", { class: `swatch ${kind}` }), String(words))));
}

/** @param {string} status */
const spaced = (status) => status.replaceAll("_", " ");

/** @param {import("./timeline.js").Change} change */
export function windowWords({ from, to, previous, status, isFirst }) {
  const what = previous === null ? `Became ${status}` : `${previous} to ${status}`;
  return `${what}: between ${exact(new Date(from))}${isFirst && previous === null ? ", when it was created," : ""} and ${exact(new Date(to))}, within ${duration((to - from) / 1000)}`;
}
