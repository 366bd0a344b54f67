// Ids of batches as somebody pastes them: one a line, or several with commas or blanks between them. Pure.

import { GREATEST_ID, WRITE_ID } from "./recipients.js";

/** @typedef {{line: number, text: string, id: bigint | null, wrong: string}} Named an id, or why it is none or not wanted again */

/** Rows of one request. */
export const AT_ONCE = 10_000;

/** @param {string} text @returns {Named[]} */
export function idsIn(text) {
  /** @type {Map<bigint, number>} */
  const seen = new Map();
  return text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/).flatMap((content, index) => content.split(/[\s,;]+/).filter((word) => word !== "").map((word) => {
    const line = index + 1;
    if (!/^[0-9]+$/.test(word)) return { line, text: word, id: null, wrong: WRITE_ID };
    const id = BigInt(word);
    if (id < 1n || id > GREATEST_ID) return { line, text: word, id: null, wrong: WRITE_ID };
    const first = seen.get(id);
    if (first !== undefined) return { line, text: word, id: null, wrong: `it stands in line ${first} already, and is followed once` };
    seen.set(id, line);
    return { line, text: word, id, wrong: "" };
  }));
}

/**
 * The bodies that have these followed, a portion each.
 * @param {string} account
 * @param {bigint[]} ids
 * @param {Record<string, string>} labels
 */
export function bodiesOf(account, ids, labels) {
  const more = `"account":${JSON.stringify(account)}${Object.keys(labels).length === 0 ? "" : `,"labels":${JSON.stringify(labels)}`}`;
  const bodies = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) bodies.push(`[${ids.slice(from, from + AT_ONCE).map((id) => `{"batch_id":${id},${more}}`).join(",")}]`);
  return bodies;
}
