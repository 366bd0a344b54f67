// Numbers, durations and moments as the reader's language writes them.

/** The reader's, the browser's own where it says none. */
export const LANGUAGES = globalThis.navigator?.languages?.length ? [...navigator.languages] : undefined;
const whole = new Intl.NumberFormat(LANGUAGES, { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat(LANGUAGES, { maximumSignificantDigits: 3 });
const hundredths = new Intl.NumberFormat(LANGUAGES, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const share = new Intl.NumberFormat(LANGUAGES, { style: "percent", maximumFractionDigits: 1 });
const exactly = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(LANGUAGES, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const relative = new Intl.RelativeTimeFormat(LANGUAGES, { numeric: "auto", style: "narrow" });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** @param {number} value */
export const count = (value) => whole.format(value);
/** Requests a second: always as long, so that what stands behind it keeps its place. @param {number} value */
export const rate = (value) => hundredths.format(value);
/** At most three figures. @param {number} value */
export const figure = (value) => some.format(value);
/** @param {number} value from 0 to 1 */
export const percent = (value) => share.format(value);

/** How long: "850 ms", "4.2 s", "3 min 5 s", "2 h 10 min", "5 d 3 h". @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return `${whole.format(Math.max(seconds, 0) * 1000)} ms`;
  if (seconds < 60) return `${some.format(seconds)} s`;
  const round = Math.round(seconds);
  if (round < 3600) return joined(Math.floor(round / 60), "min", round % 60, "s");
  if (round < 86_400) return joined(Math.floor(round / 3600), "h", Math.floor((round % 3600) / 60), "min");
  return joined(Math.floor(round / 86_400), "d", Math.floor((round % 86_400) / 3600), "h");
}

/** @param {number} much @param {string} unit @param {number} rest @param {string} smaller */
function joined(much, unit, rest, smaller) {
  return `${whole.format(much)} ${unit}${rest === 0 ? "" : ` ${whole.format(rest)} ${smaller}`}`;
}

/** A moment as one sees it from now: "5s ago", "in 2h". @param {string | Date} moment @param {Date} now */
export function ago(moment, now) {
  const seconds = (new Date(moment).getTime() - now.getTime()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length || unit === "second") return relative.format(Math.trunc(seconds / length), unit);
  }
  return "";
}

/** The moment itself, day and time. @param {string | Date} moment */
export const exact = (moment) => exactly.format(new Date(moment));
/** The time of day. @param {string | Date} moment */
export const timeOfDay = (moment) => clock.format(new Date(moment));
