// What every room is made of: statuses, moments, problems, tables and actions.

import { actionKey, asRefusal, Refusal } from "./api.js";
import { h } from "./dom.js";
import { ago, count, exact } from "./format.js";

/** @typedef {import("./types.js").App} App */
/** @typedef {import("./types.js").Child} Child */

/** A word with a sign before it, so that colour is not all that tells. @type {Record<string, [string, string]>} */
const SIGNS = {
  recovered: ["good", "✓"], unstuck: ["good", "✓"], exhausted: ["bad", "✕"],
  active: ["good", "✓"], ok: ["good", "✓"], done: ["good", "✓"], accepted: ["good", "✓"],
  new: ["calm", "•"], unseen: ["calm", "•"], pending: ["calm", "•"], intended: ["calm", "•"], probing: ["calm", "•"],
  validating: ["busy", "↻"], sending: ["busy", "↻"],
  throttled: ["warn", "!"], paused: ["warn", "!"], held: ["warn", "!"], stuck: ["warn", "!"], unclear: ["warn", "!"], open: ["bad", "✕"],
  unknown: ["bad", "✕"], errors: ["bad", "✕"], source_error: ["bad", "✕"], unknown_status: ["bad", "✕"], missing: ["bad", "✕"], expired: ["bad", "✕"],
  refused: ["bad", "✕"], down: ["bad", "✕"], unpolled: ["bad", "✕"], dead: ["bad", "✕"], disabled: ["bad", "✕"], absent: ["bad", "✕"], failing: ["bad", "✕"],
};

/** Words that say too little where they stand alone. */
const SPELLED = new Map([["open", "breaker open"]]);

/** The tone and the sign of a word, also of one that nobody knows. @param {string} word @returns {[string, string]} */
const signOf = (word) => (Object.hasOwn(SIGNS, word.toLowerCase()) ? SIGNS[word.toLowerCase()] : undefined) ?? ["calm", "•"];

/** Good, calm, busy, warn or bad: the class that colours it. @param {string} word */
export const toneOf = (word) => signOf(word)[0];

/** A status or condition, as it is called. @param {string | null | undefined} word */
export function badge(word) {
  const said = word ?? "unseen";
  const [tone, sign] = signOf(said);
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true", class: "sign" }, sign), h("bdi", said.length > 24 ? { title: said } : null, (SPELLED.get(said) ?? said).replaceAll("_", " ")));
}

/** A moment: as it is from now, with the exact one for who points at it. @param {App} app @param {string | null | undefined} instant @param {string} [none] */
export function moment(app, instant, none = "–") {
  if (instant === null || instant === undefined) return h("span", { class: "quiet" }, none);
  return h("time", { datetime: instant, title: exact(instant) }, ago(instant, app.now));
}

/** Text that came from outside: its direction does not spill over into ours. @param {string | number | null | undefined} text @param {string} [none] */
export function outside(text, none = "–") {
  return text === null || text === undefined || text === "" ? h("span", { class: "quiet" }, none) : h("bdi", null, String(text));
}

/** Why something was not done. @param {Refusal | null | undefined} problem @param {Child} [more] */
export function problemBox(problem, more) {
  if (!problem) return null;
  const errors = problem.document.errors ?? [];
  return h("div", { class: "problem", role: "alert" },
    h("p", null, h("strong", null, problem.document.title ?? "Not done."), " ", outside(problem.message)),
    errors.length > 1 && h("ul", null, errors.slice(0, 20).map((each) => h("li", null, h("code", null, outside(each.pointer ?? each.parameter, "/")), ": ", outside(each.message)))),
    more);
}

/** What is said where there is nothing. @param {...Child} children */
export const nothing = (...children) => h("p", { class: "nothing" }, ...children);

/** A part of a room under a heading. @param {string} heading @param {...Child} children */
export function section(heading, ...children) {
  const id = `h-${heading.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return h("section", { key: heading, "aria-labelledby": id }, h("h2", { id }, heading), ...children);
}

/**
 * A table; on a narrow screen every row is a card whose cells bear their column's name.
 * @template T
 * @param {string} caption
 * @param {{name: string, cell: (row: T) => Child, class?: string}[]} columns
 * @param {T[]} rows
 * @param {(row: T) => string} keyOf
 * @param {(row: T) => Child} [below] what stands under a row over the whole width, where it is opened
 * @param {(row: T) => Record<string, string | null>} [propsOf] what else the element of a row has
 */
export function table(caption, columns, rows, keyOf, below, propsOf) {
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    h("table", null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col", class: column.class }, column.name)))),
      h("tbody", null, rows.map((row) => {
        const more = below?.(row);
        return [
          h("tr", { key: keyOf(row), ...propsOf?.(row) }, columns.map((column) => h("td", { class: column.class, "data-name": column.name }, column.cell(row)))),
          more ? h("tr", { key: `below ${keyOf(row)}`, class: "below" }, h("td", { colspan: columns.length }, more)) : null,
        ];
      }))));
}

/** A button that opens and closes what stands below it. @param {boolean} isOpen @param {() => void} toggle @param {Child} words @param {string} [name] for who does not see what stands beside it */
export function disclosure(isOpen, toggle, words, name) {
  return h("button", { type: "button", class: "plain disclose", "aria-expanded": String(isOpen), "aria-label": name, on: { click: toggle } },
    h("span", { "aria-hidden": "true", class: "sign" }, isOpen ? "▾" : "▸"), words);
}

/**
 * What is folded away until its summary is clicked. The click counts: what the browser tells of it comes later, and what is drawn in
 * between would fold it up again. Where the browser opens it by itself, to show what it was asked to find, that counts too.
 * @param {boolean} isOpen @param {(isOpen: boolean) => void} turn @param {Child} summary @param {...Child} children
 */
export function folded(isOpen, turn, summary, ...children) {
  return h("details", { key: "folded", open: isOpen, on: { toggle: (event) => { if (event.target.open !== isOpen) turn(event.target.open); } } },
    h("summary", { on: { click: (event) => { event.preventDefault(); turn(!isOpen); } } }, summary), ...children);
}

/**
 * Which part of a list is shown, and the ways to its neighbours.
 * @param {{offset: number, limit: number, total: number | null | undefined, more: boolean, link: (offset: number) => string}} list
 */
export function pager({ offset, limit, total, more, link }) {
  const last = Math.min(offset + limit, total ?? offset + limit);
  const isEnd = total === null || total === undefined ? !more : offset + limit >= total && !more;
  return h("nav", { class: "pager", "aria-label": "Pages" },
    offset > 0 ? h("a", { key: "prev", class: "button", rel: "prev", href: link(Math.max(offset - limit, 0)) }, "← Before") : null,
    h("span", { key: "part" }, total === 0 ? "0" : `${count(offset + 1)}–${count(last)}`, total === null || total === undefined ? "" : ` of ${count(total)}${more ? "+" : ""}`),
    isEnd ? null : h("a", { key: "next", class: "button", rel: "next", href: link(offset + limit) }, "Next →"));
}

/**
 * The ways to more of a list that goes on by cursor, and back to its beginning.
 * @param {string | undefined} cursor of the present part
 * @param {string | null} next
 * @param {(cursor: string | null) => string} link
 */
export function turning(cursor, next, link) {
  if (cursor === undefined && next === null) return null;
  return h("nav", { key: "pages", class: "pager", "aria-label": "Pages" },
    cursor === undefined ? null : h("a", { class: "button", href: link(null) }, "⇤ First page"),
    next === null ? h("span", null, "That is the end.") : h("a", { class: "button", rel: "next", href: link(next) }, "Next →"));
}

/**
 * A button that does something, with what came of it beside it. What cannot be taken back has `sure`: what it will do, in
 * words, which has to be agreed to first. A repetition after an unclear end bears the same key, so that it is not done twice.
 * @param {App} app
 * @param {string} id of this action on this thing
 * @param {{label: string, run: (key: string) => Promise<unknown>, sure?: Child, done?: string, class?: string, disabled?: boolean, about?: string}} what
 *   `about` tells the button from others with the same label, for who does not see what stands beside it
 */
export function action(app, id, what) {
  const now = app.actions.get(id) ?? { state: "idle", problem: null, key: "" };
  /** @param {Partial<import("./types.js").ActionState>} next */
  const turn = (next) => {
    app.actions.set(id, { ...now, problem: null, ...next });
    app.update();
  };
  /** The button that was pressed is gone when it has been drawn anew: then its neighbour has the focus. @param {Event} event */
  const keepFocus = ({ currentTarget }) => {
    const place = currentTarget instanceof Element ? currentTarget.closest(".action") : null;
    requestAnimationFrame(() => document.activeElement === document.body && place?.querySelector("button")?.focus());
  };
  /** @param {Event} event */
  const run = async (event) => {
    if (app.actions.get(id)?.state === "working") return;
    const key = now.key === "" ? actionKey() : now.key;
    turn({ state: "working", key });
    keepFocus(event);
    try {
      await what.run(key);
      turn({ state: "done", key: "" });
      if (what.done !== undefined) app.announce(what.done);
    } catch (error) {
      const problem = asRefusal(error);
      turn({ state: "failed", problem, key: isUnclear(problem) ? key : "" });
    }
  };
  /** @param {Event} event */
  const cancel = (event) => {
    turn({ state: "idle" });
    keepFocus(event);
  };
  const name = what.about === undefined ? null : `${what.label}: ${what.about}`;
  if (now.state === "asking") {
    return h("span", { class: "action sure", role: "group", "aria-label": name ?? what.label, key: id },
      h("span", null, what.sure),
      h("button", { key: "yes", type: "button", class: "danger", autofocus: true, on: { click: run } }, what.label),
      h("button", { key: "no", type: "button", on: { click: cancel } }, "Cancel"));
  }
  const first = what.sure === undefined ? run : () => turn({ state: "asking" });
  return h("span", { class: "action", key: id },
    h("button", { key: "do", type: "button", class: what.class, disabled: what.disabled, "aria-label": name, "aria-busy": now.state === "working" ? "true" : null, on: { click: first } },
      now.state === "working" ? `${what.label}…` : what.label),
    now.state === "done" && what.done !== undefined ? h("span", { class: "came" }, what.done) : null,
    now.state === "failed" ? problemBox(now.problem) : null);
}

/** Whether it may have been done all the same. @param {Refusal} problem */
const isUnclear = (problem) => problem.status === 0 || problem.status >= 500;
