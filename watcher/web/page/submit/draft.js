// A batch as somebody is writing it: what is wrong with it, and what would be sent. Pure.

import { read, recipientsIn } from "./reading.js";
import { faultsOf, GREATEST_ID, WRITE_ID, written as recipientWritten } from "./recipients.js";

/** @typedef {import("./reading.js").Read} Read */
/** @typedef {import("./recipients.js").Recipient} Recipient */
/** @typedef {"account" | "broadcast" | "name" | "labels" | "correlation" | "recipients" | "list"} FieldName */
/**
 * What the form says. `source` is what recipients were read from: the name of a file, "" for what was pasted, which is `text`.
 * `whom` is the column that says whom, `along` are those that go along as attributes.
 * @typedef {object} Draft
 * @property {string} account
 * @property {string} broadcast
 * @property {"" | "call" | "text"} kind
 * @property {string} name
 * @property {string} labels
 * @property {string} correlation
 * @property {"recipients" | "list"} how
 * @property {string} source
 * @property {string} text
 * @property {Read} read
 * @property {Read["whom"]} whom
 * @property {number[]} along
 * @property {boolean} scrub
 * @property {boolean} strict
 * @property {boolean} leaveOut those with faults
 * @property {string} list
 */
/** @typedef {{line: number, recipient: Recipient, wrong: string[]}} Checked a recipient, and what is wrong with it */
/** @typedef {{recipients: Checked[], faulty: number, count: number, errors: Partial<Record<FieldName, string>>}} Check `count` are sent */

/** Bytes that the daemon takes at once. */
const BODY_MOST = 4 * 1024 * 1024;
const NAME_MOST = 100;
const LABEL_NAME_MOST = 100;
const LABEL_VALUE_MOST = 500;
const LABELS_MOST = 50;
const CORRELATION_MOST = 200;
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/u;

/** @param {string} account @returns {Draft} */
export function empty(account) {
  return { account, broadcast: "", kind: "", name: "", labels: "", correlation: "", how: "recipients", source: "", text: "", read: read(""), whom: null, along: [], scrub: false, strict: false, leaveOut: false, list: "" };
}

/** With other recipients. @param {Draft} draft @param {string} text @param {string} source @returns {Draft} */
export function withText(draft, text, source) {
  const found = read(text);
  return { ...draft, text: source === "" ? text : "", source, read: found, whom: found.whom, along: [], leaveOut: false };
}

/**
 * What is wrong with it. Of what was checked `before`, recipients that are still the same are not looked through again: there may
 * be a hundred thousand of them.
 * @param {Draft} draft
 * @param {{draft: Draft, checked: Check} | null} [before]
 * @returns {Check}
 */
export function check(draft, before = null) {
  const isSame = before !== null && (/** @type {const} */ (["read", "whom", "along", "scrub", "how"])).every((name) => before.draft[name] === draft[name]);
  const recipients = isSame ? before.checked.recipients : draft.how === "list" ? [] : checked(draft);
  const faulty = isSame ? before.checked.faulty : recipients.filter(({ wrong }) => wrong.length > 0).length;
  const count = draft.leaveOut ? recipients.length - faulty : recipients.length;
  return { recipients, faulty, count, errors: errorsOf(draft, count, draft.leaveOut ? 0 : faulty) };
}

/** The body that is sent; null where it is more than the daemon takes at once. @param {Draft} draft @param {Check} checked */
export function bodyOf(draft, { recipients }) {
  const body = written(draft, draft.leaveOut ? recipients.filter(({ wrong }) => wrong.length === 0) : recipients);
  return new TextEncoder().encode(body).length > BODY_MOST ? null : body;
}

/** @param {Draft} draft @returns {Checked[]} */
function checked({ read: found, whom, along, scrub }) {
  if (whom === null) return [];
  const rows = recipientsIn(found, whom, along);
  /** @type {Checked[]} */
  const all = rows.map(({ line, recipient }) => ({ line, recipient, wrong: [] }));
  for (const { row, key, message, like } of faultsOf(rows.map(({ recipient }) => recipient), scrub)) {
    const first = like === undefined ? undefined : all[like];
    const what = whom.kind === "phone_number" ? "number" : "contact";
    if (first !== undefined) all[row]?.wrong.push(`the ${what} stands in line ${first.line} already`);
    else if (key === "") all[row]?.wrong.push(`there is no ${what}`);
    else all[row]?.wrong.push(key === "attributes" ? `attributes: ${message}` : message);
  }
  return all;
}

/** @param {Draft} draft @param {number} count @param {number} faulty @returns {Check["errors"]} */
function errorsOf(draft, count, faulty) {
  /** @type {Check["errors"]} */
  const errors = {};
  const name = draft.name.trim();
  const { wrong } = labelsIn(draft.labels);
  if (draft.account === "") errors.account = "Choose an account.";
  if (!isId(draft.broadcast)) errors.broadcast = `It must be the id of a broadcast at CallFire: ${WRITE_ID.slice("it must be ".length)}.`;
  if (name === "" || [...name].length > NAME_MOST) errors.name = `It must have 1 to ${NAME_MOST} characters.`;
  else if (UNPRINTABLE.test(name)) errors.name = "It must have no characters of control.";
  if (wrong !== "") errors.labels = wrong;
  if ([...draft.correlation.trim()].length > CORRELATION_MOST) errors.correlation = `It must have at most ${CORRELATION_MOST} characters.`;
  if (draft.how === "list") {
    if (!isId(draft.list)) errors.list = `It must be the id of a contact list at CallFire: ${WRITE_ID.slice("it must be ".length)}.`;
  } else if (draft.whom === null) errors.recipients = draft.read.wrong || "Nobody is named yet: choose a file, or paste numbers.";
  else if (faulty > 0) errors.recipients = `${faulty === 1 ? "One recipient has" : `${faulty} recipients have`} something wrong: correct it, or have ${faulty === 1 ? "it" : "them"} left out.`;
  else if (count === 0) errors.recipients = "No recipient is left.";
  return errors;
}

/** @param {string} text */
const isId = (text) => /^[0-9]{1,19}$/.test(text.trim()) && BigInt(text) >= 1n && BigInt(text) <= GREATEST_ID;

/** @param {Draft} draft @param {Checked[]} sent */
function written(draft, sent) {
  const { labels } = labelsIn(draft.labels);
  const correlation = draft.correlation.trim();
  const parts = [`"name":${JSON.stringify(draft.name.trim())}`];
  if (draft.kind !== "") parts.push(`"kind":"${draft.kind}"`);
  if (Object.keys(labels).length > 0) parts.push(`"labels":${JSON.stringify(labels)}`);
  if (correlation !== "") parts.push(`"correlation_id":${JSON.stringify(correlation)}`);
  if (draft.strict) parts.push('"strict_validation":true');
  if (draft.how === "list") parts.push(`"contact_list_id":${draft.list.trim().replace(/^0+(?=\d)/, "") || "null"}`);
  else {
    if (draft.scrub) parts.push('"scrub_duplicates":true');
    parts.push(`"recipients":[${sent.map(({ recipient }) => recipientWritten(recipient)).join(",")}]`);
  }
  return `{${parts.join(",")}}`;
}

/** Labels as somebody writes them: name=value, one a line. @param {string} text @returns {{labels: Record<string, string>, wrong: string}} */
export function labelsIn(text) {
  /** @type {[string, string][]} */
  const found = [];
  for (const line of text.split(/\r\n|\r|\n/).map((each) => each.trim()).filter((each) => each !== "")) {
    const at = line.indexOf("=");
    const [name, value] = [line.slice(0, Math.max(at, 0)).trim(), line.slice(at + 1).trim()];
    if (at < 1 || name === "") return { labels: {}, wrong: `«${line.slice(0, 40)}» is no label: write name=value, one a line.` };
    if ([...name].length > LABEL_NAME_MOST || [...value].length > LABEL_VALUE_MOST) return { labels: {}, wrong: `«${name.slice(0, 40)}»: a name has at most ${LABEL_NAME_MOST} characters, a value ${LABEL_VALUE_MOST}.` };
    if (found.some(([other]) => other === name)) return { labels: {}, wrong: `«${name.slice(0, 40)}» is there twice.` };
    found.push([name, value]);
  }
  if (found.length > LABELS_MOST) return { labels: {}, wrong: `There are more than ${LABELS_MOST} of them.` };
  return { labels: Object.fromEntries(found), wrong: "" };
}
