// From a text to recipients: which column is whose, and where each of them stands. Pure.

import { CsvError, rowsOf } from "./csv.js";
import { stripped, tidied } from "./recipients.js";

/** @typedef {import("./recipients.js").Recipient} Recipient */
/** @typedef {"phone_number" | "contact_id"} Kind */
/**
 * A text as it was read: its columns, which of them says whom (null: somebody has to tell), and the rows under them. `wrong` says
 * what keeps it from being read, at `line`.
 * @typedef {object} Read
 * @property {string[]} columns
 * @property {{kind: Kind, column: number} | null} whom
 * @property {import("./csv.js").Row[]} rows
 * @property {boolean} headed whether the first line is one of headings
 * @property {string} wrong
 * @property {number | null} line
 */

const BYTE_ORDER_MARK = /^\ufeff/;
/** Headings that are known without being told, in any spelling of capitals. @type {[Kind, string[]][]} */
const NAMES = [
  ["phone_number", ["phone", "phone_number", "phonenumber", "number"]],
  ["contact_id", ["contact", "contact_id", "contactid"]],
];

/** @param {string} text @returns {Read} */
export function read(text) {
  /** @type {Read} */
  const found = { columns: [], whom: null, rows: [], headed: true, wrong: "", line: null };
  let rows;
  try {
    rows = rowsOf(text.replace(BYTE_ORDER_MARK, ""));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { ...found, wrong: `It is not CSV: ${error.message}.`, line: error.line };
  }
  const [first, ...others] = rows;
  if (first === undefined) return found;
  const number = first.values.findIndex((value) => tidied(value) !== null);
  if (number >= 0) {
    // A number is no heading: whoever pastes numbers has none.
    return { ...found, columns: first.values.map((_, index) => `Column ${index + 1}`), whom: { kind: "phone_number", column: number }, rows: filled(rows), headed: false };
  }
  return { ...found, columns: first.values, rows: filled(others), ...known(first.values) };
}

/** Rows in which anything stands. @param {import("./csv.js").Row[]} rows */
const filled = (rows) => rows.filter((row) => row.values.some((value) => value !== ""));

/** The column that is known by its heading: none where several are, for nobody is called by guess. @param {string[]} headings @returns {{whom: Read["whom"], wrong: string}} */
function known(headings) {
  for (const [kind, names] of NAMES) {
    const fitting = headings.flatMap((heading, column) => (names.includes(stripped(heading).toLowerCase().replaceAll(" ", "_")) ? [column] : []));
    if (fitting.length === 1) return { whom: { kind, column: /** @type {number} */ (fitting[0]) }, wrong: "" };
    if (fitting.length > 1) return { whom: null, wrong: `Several of its columns may be meant (${fitting.map((column) => headings[column]).join(", ")}): say which.` };
  }
  const parted = headings.length === 1 && /[;\t|]/.test(headings[0] ?? "");
  const remedy = parted ? "Save the file with commas between the columns." : "Say which column it is.";
  return { whom: null, wrong: `None of its headings (${headings.join(", ")}) is known as a phone number. ${remedy}` };
}

/**
 * The recipients in what was read, each with its line.
 * @param {Read} read
 * @param {{kind: Kind, column: number}} whom
 * @param {number[]} along columns that go along as attributes, under their headings
 * @returns {{line: number, recipient: Recipient}[]}
 */
export function recipientsIn({ columns, rows }, { kind, column }, along) {
  return rows.map(({ line, values }) => {
    const value = stripped(values[column] ?? "");
    /** @type {Recipient} */
    const recipient = {};
    if (value !== "" && kind === "phone_number") recipient.phone_number = value;
    if (value !== "" && kind === "contact_id") recipient.contact_id = /^[0-9]+$/.test(value) ? BigInt(value) : value;
    if (along.length > 0) recipient.attributes = Object.fromEntries(along.map((each) => [columns[each] ?? "", values[each] ?? ""]));
    return { line, recipient };
  });
}
