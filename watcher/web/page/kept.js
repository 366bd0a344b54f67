// What rooms keep under names while the same person looks: what they fetched, and what was typed and chosen in them.

import { asRefusal } from "./api.js";

/** @typedef {import("./types.js").Fetched<any>} Fetched */

/** @type {Fetched} */
const NOTHING = { data: null, problem: null, at: null, loading: false };

export class Kept {
  /** @type {Map<string, Fetched>} */
  #fetched = new Map();
  /** Those that are under way: what comes of another is not wanted any more. @type {Map<string, AbortController>} */
  #fetching = new Map();
  /** @type {Map<string, unknown>} */
  #locals = new Map();
  #update;
  #now;

  /** @param {() => void} update called when anything changed @param {() => Date} now */
  constructor(update, now) {
    this.#update = update;
    this.#now = now;
  }

  /** What is under the name, made when it is first wanted. @template T @param {string} name @param {() => T} make @returns {T} */
  local(name, make) {
    if (!this.#locals.has(name)) this.#locals.set(name, make());
    return /** @type {T} */ (this.#locals.get(name));
  }

  /** @param {string} name @returns {Fetched} */
  fetched(name) {
    return this.#fetched.get(name) ?? NOTHING;
  }

  /** Fetches it anew; what is fetched under the name already is given up. @template T @param {string} name @param {(signal: AbortSignal) => Promise<T>} get */
  async fetch(name, get) {
    this.#fetching.get(name)?.abort();
    const controller = new AbortController();
    this.#fetching.set(name, controller);
    this.#fetched.set(name, { ...this.fetched(name), loading: true });
    this.#update();
    const came = await get(controller.signal).then((data) => ({ data, problem: null, at: this.#now() }), (error) => ({ problem: asRefusal(error) }));
    if (this.#fetching.get(name) !== controller) return;
    this.#fetching.delete(name);
    this.#fetched.set(name, { ...this.fetched(name), ...came, loading: false });
    this.#update();
  }

  /** @param {string} name */
  forget(name) {
    this.#fetching.get(name)?.abort();
    this.#fetching.delete(name);
    this.#fetched.delete(name);
  }

  forgetAll() {
    for (const name of [...this.#fetching.keys()]) this.forget(name);
    this.#fetched.clear();
    this.#locals.clear();
  }
}
