// The stream of the daemon, kept open: once the whole document, then what changes. It comes again by itself, sooner where the
// connection was there before, and says how it is. A page that nobody sees rests, and so does one of many (tabs.js), so that
// it keeps no connection from others.

import { queryOf, Refusal, refusal } from "./api.js";
import { FrameReader } from "./frames.js";
import { apply } from "./patch.js";
import { Tabs } from "./tabs.js";

/** @typedef {import("./types.js").PageDocument} PageDocument */
/** @typedef {import("./types.js").Connection} Connection */

const SILENT = 25_000; // the daemon gives a sign of life every fifteen seconds
const REST = 5000;
const WAITS = [1000, 2000, 4000, 8000, 15_000];

export class Live {
  /** @type {Connection} */
  connection = { state: "connecting", heard: null, retry: null, problem: null };
  /** @type {PageDocument | null} */
  page = null;
  /** How far the daemon's clock is before ours, in milliseconds. */
  ahead = 0;
  #query = "";
  #shown = "";
  #failures = 0;
  /** @type {AbortController | null} */
  #running = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #wanted = false;
  #update;
  #signedOut;
  #tabs = new Tabs(() => this.#rest("Other windows of this page are live; a browser keeps few connections to one address."));

  /** @param {() => void} update called when anything changed @param {() => void} signedOut called when a token is wanted */
  constructor(update, signedOut) {
    this.#update = update;
    this.#signedOut = signedOut;
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("focus", () => this.connection.state === "resting" && this.#come());
    addEventListener("online", () => this.connection.state === "lost" && this.#come());
  }

  /** Whether the document is what was asked for last. */
  get fits() {
    return this.#shown === this.#query;
  }

  /** Shows what the query asks for from now on. @param {Record<string, unknown>} query */
  show(query) {
    const text = queryOf(query);
    if (text === this.#query && this.#running !== null) return;
    this.#query = text;
    this.retry();
  }

  /** Tries at once. */
  retry() {
    this.close();
    this.#wanted = true;
    this.#say({ state: "connecting", retry: null, problem: this.connection.state === "resting" ? null : this.connection.problem });
    const running = new AbortController();
    this.#running = running;
    this.#tabs.opened();
    this.#read(running).then(
      () => this.#lost(running, new Refusal(0, { detail: "The daemon ended the connection." })),
      (/** @type {unknown} */ error) => this.#lost(running, error instanceof Refusal ? error : new Refusal(0, { detail: "The daemon cannot be reached." })),
    );
  }

  /** Ends it until it is wanted again. */
  close() {
    clearTimeout(this.#again);
    this.#wanted = false;
    if (this.#running === null) return;
    this.#running.abort();
    this.#running = null;
    this.#tabs.closed();
  }

  /** Ends it, and knows nothing of what it showed. */
  forget() {
    this.close();
    this.page = null;
    this.#query = this.#shown = "";
    this.connection = { state: "connecting", heard: null, retry: null, problem: null };
  }

  /** @param {AbortController} running */
  async #read(running) {
    const query = this.#query;
    let heard = Date.now();
    // By the wall clock: a timer does not run on while the machine sleeps, and what is shown then is old as soon as it wakes.
    const watch = setInterval(() => {
      if (Date.now() - heard > SILENT) running.abort(new Refusal(0, { detail: "Nothing was heard of the daemon for a while." }));
    }, 1000);
    try {
      const response = await fetch(`/v1/stream${query}`, { headers: { Accept: "text/event-stream" }, signal: running.signal, credentials: "same-origin" });
      if (!response.ok || response.body === null) throw await refusal(response);
      const date = Date.parse(response.headers.get("Date") ?? "");
      if (!Number.isNaN(date)) this.ahead = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const frames = new FrameReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || running !== this.#running) return;
        heard = Date.now();
        this.#heard(frames.take(value), query);
      }
    } finally {
      clearInterval(watch);
    }
  }

  /** @param {import("./frames.js").Frame[]} frames @param {string} query */
  #heard(frames, query) {
    for (const frame of frames) {
      const data = JSON.parse(frame.data);
      if (frame.event === "data") {
        this.page = data;
        this.#shown = query;
      } else if (frame.event === "patch" && this.page !== null) this.#patch(this.page, data);
      else if (frame.event === "error") throw new Refusal(data.status ?? 0, data);
    }
    this.#failures = 0;
    this.#say({ state: this.fits ? "live" : "connecting", heard: new Date(), retry: null, problem: null });
  }

  /** @param {PageDocument} page @param {import("./patch.js").Operation[]} operations */
  #patch(page, operations) {
    try {
      apply(page, operations);
    } catch (error) {
      throw new Refusal(0, { detail: `What the daemon told does not fit what is shown (${error instanceof Error ? error.message : error}): all of it is asked for again.` });
    }
  }

  /** @param {AbortController} running @param {Refusal} problem */
  #lost(running, problem) {
    if (running !== this.#running) return;
    this.#running = null;
    running.abort();
    this.#tabs.closed();
    if (problem.status === 401) {
      this.#wanted = false;
      this.#signedOut();
      return;
    }
    const wait = (WAITS[Math.min(this.#failures, WAITS.length - 1)] ?? 1000) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.retry(), wait);
    this.#say({ state: "lost", retry: new Date(Date.now() + wait), problem });
  }

  #seen() {
    clearTimeout(this.#resting);
    if (document.visibilityState === "hidden") this.#resting = setTimeout(() => this.#rest("Nobody looked."), REST);
    else this.#come();
  }

  /** @param {string} why */
  #rest(why) {
    if (!this.#wanted) return;
    this.close();
    this.#wanted = true;
    this.#say({ state: "resting", retry: null, problem: new Refusal(0, { detail: why }) });
  }

  /** Opens it again where it is wanted, and not there. */
  #come() {
    if (this.#wanted && this.#running === null) this.retry();
  }

  /** @param {Partial<Connection>} what */
  #say(what) {
    this.connection = { ...this.connection, ...what };
    this.#update();
  }
}
