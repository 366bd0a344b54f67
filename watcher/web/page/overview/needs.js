// What needs a person, from the document of the stream: pure. Accounts come first, because all of their batches depend on them,
// then endpoints, then watches; what is the same with several is said once.

import { ACCOUNTS, ENDPOINTS, WATCHES } from "../meanings.js";

/** @typedef {import("../types.js").PageDocument} PageDocument */
/** @typedef {import("../types.js").Account} Account */
/** @typedef {import("../types.js").Endpoint} Endpoint */
/** @typedef {import("../types.js").Watch} Watch */

/**
 * Those with which the same is the matter: `word` says what, `what` and `remedy` in sentences.
 * @template {"account" | "endpoint" | "watch"} K
 * @template T
 * @typedef {{kind: K, word: string, what: string, remedy: string, items: T[]}} GroupOf
 */
/** @typedef {GroupOf<"account", Account> | GroupOf<"endpoint", Endpoint> | GroupOf<"watch", Watch>} Group */

const UNKNOWN = { what: "It is in a state that this page does not know.", remedy: "See what the daemon's log says." };

/**
 * All that needs a person and is known here, and how many watches do that the stream does not show.
 * @param {PageDocument} page
 * @returns {{groups: Group[], hidden: number, total: number}}
 */
export function needsOf(page) {
  const accounts = Object.values(page.accounts).filter((each) => each.condition !== "ok");
  const endpoints = Object.values(page.endpoints ?? {});
  const watches = inOrder(page).filter((each) => each.attention !== null && each.attention !== undefined);
  const hidden = Math.max((page.attention ?? 0) - watches.length, 0);
  return {
    groups: [
      ...grouped(/** @type {const} */ ("account"), accounts, (each) => each.condition, ACCOUNTS),
      ...grouped(/** @type {const} */ ("endpoint"), endpoints, endpointWord, ENDPOINTS),
      ...grouped(/** @type {const} */ ("watch"), watches, (each) => each.attention ?? "", WATCHES),
    ],
    hidden,
    total: accounts.length + endpoints.length + watches.length + hidden,
  };
}

/** The watches as the stream orders them; all of them where it says nothing of it. @param {PageDocument} page @returns {Watch[]} */
export function inOrder(page) {
  if (page.order === undefined) return Object.values(page.watches);
  return page.order.flatMap((name) => page.watches[name] ?? []);
}

/** What is the matter with an endpoint that needs a person. @param {Endpoint} endpoint */
export function endpointWord(endpoint) {
  if (endpoint.state === "disabled") return "disabled";
  return Object.hasOwn(ENDPOINTS, endpoint.condition) ? endpoint.condition : "failing";
}

/**
 * By word, in the order of the meanings; in a group in the order they came.
 * @template {"account" | "endpoint" | "watch"} K
 * @template T
 * @param {K} kind @param {T[]} items @param {(item: T) => string} wordOf @param {Record<string, {what: string, remedy: string}>} meanings
 * @returns {GroupOf<K, T>[]}
 */
function grouped(kind, items, wordOf, meanings) {
  /** @type {Map<string, T[]>} */
  const byWord = new Map(Object.keys(meanings).map((word) => [word, []]));
  for (const item of items) {
    const word = wordOf(item);
    const same = byWord.get(word);
    if (same === undefined) byWord.set(word, [item]);
    else same.push(item);
  }
  return [...byWord].filter(([, same]) => same.length > 0).map(([word, same]) => ({ kind, word, ...(meanings[word] ?? UNKNOWN), items: same }));
}
