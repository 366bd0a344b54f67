// Comma-separated values (RFC 4180), read strictly: what could be meant in two ways is no CSV. Pure.

/** @typedef {{line: number, values: string[]}} Row `line` is the last one of the row, counted from 1 */

/** What is no CSV, and where. */
export class CsvError extends Error {
  /** @param {number} line @param {string} message */
  constructor(line, message) {
    super(message);
    this.line = line;
  }
}

/** Characters that a field may have. */
const LONGEST = 131_072;
const END = /\r\n|\r|\n/y;

/**
 * The rows of a text; empty lines are left out. Throws CsvError.
 * @param {string} text
 * @returns {Row[]}
 */
export function rowsOf(text) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  let values = [];
  let line = 1;
  let place = 0;
  while (place < text.length) {
    const [value, after, lines] = text[place] === '"' ? quoted(text, place + 1, line) : bare(text, place);
    if (value.length > LONGEST) throw new CsvError(line, `a field has more than ${LONGEST} characters`);
    line += lines;
    values.push(value);
    place = after;
    if (text[place] === ",") {
      place += 1;
      // Behind the last comma stands one more field, also where nothing follows it.
      if (place < text.length) continue;
      values.push("");
    }
    if (values.length > 1 || values[0] !== "" || value !== "" || text[after - 1] === '"') rows.push({ line, values });
    values = [];
    const end = endAt(text, place);
    if (end > 0) line += 1;
    place += end;
  }
  return rows;
}

/** How long the end of a line at that place is, 0 where there is none. @param {string} text @param {number} place */
function endAt(text, place) {
  END.lastIndex = place;
  return END.exec(text)?.[0].length ?? 0;
}

/** A field without quotes: up to the next comma or end of line. @param {string} text @param {number} from @returns {[string, number, number]} */
function bare(text, from) {
  let to = from;
  while (to < text.length && text[to] !== "," && text[to] !== "\r" && text[to] !== "\n") to += 1;
  return [text.slice(from, to), to, 0];
}

/** A field in quotes, from behind the first one; a quote in it stands twice. @param {string} text @param {number} from @param {number} line @returns {[string, number, number]} */
function quoted(text, from, line) {
  let value = "";
  let at = from;
  for (;;) {
    const next = text.indexOf('"', at);
    if (next < 0) throw new CsvError(line, "a quote is opened and never closed");
    value += text.slice(at, next);
    at = next + 1;
    if (text[at] !== '"') break;
    value += '"';
    at += 1;
  }
  if (at < text.length && text[at] !== "," && endAt(text, at) === 0) throw new CsvError(line, "behind a closing quote there must be a comma or the end of the line");
  return [value, at, [...value.matchAll(/\r\n|\r|\n/g)].length];
}
