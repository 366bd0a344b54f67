// Whom a batch is for: phone numbers as CallFire wants them, and everything that is wrong with a list of recipients. The same
// rules as the daemon has, so that nothing is sent only to be refused. Pure.

/** @typedef {{phone_number?: string | null, contact_id?: bigint | number | string | null, attributes?: Record<string, string>}} Recipient */
/** @typedef {{row: number, key: string, message: string, like?: number}} Fault `row` counts from 0, `like` is the earlier row that it repeats */

const PHONE = /^1[2-9][0-9]{9}$/;
/** What people write between digits. */
const PUNCTUATION = /[ \-().\u00a0\u2010\u2011\u2013]/g;
/** A blank as the daemon knows it. */
const BLANK = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const PHONE_LENGTH = 40;
const ATTRIBUTES_MOST = 50;
const ATTRIBUTE_NAME = 100;
const ATTRIBUTE_VALUE = 1000;
export const GREATEST_ID = 2n ** 63n - 1n;
export const WRITE_NUMBER = "it must be 11 digits that begin with 1, such as 12135551122 or +1 213 555 1122";
export const WRITE_ID = `it must be a whole number from 1 to ${GREATEST_ID}`;

/** Without blanks at its ends. Step by step: an expression for those at the end begins anew at each blank of a long row of them. @param {string} text */
export function stripped(text) {
  let from = 0;
  let to = text.length;
  while (from < to && BLANK.test(text.charAt(from))) from += 1;
  while (to > from && BLANK.test(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/**
 * The phone number without what people write between digits; null where it is none that CallFire takes. Only what has one
 * meaning is taken: a number of ten digits may be of any country.
 * @param {string} number
 */
export function tidied(number) {
  const digits = stripped(number).replace(/^\+/, "").replace(PUNCTUATION, "");
  return PHONE.test(digits) ? digits : null;
}

/** Characters, as the daemon counts them. @param {string} text */
const lengthOf = (text) => (text.length < ATTRIBUTE_NAME ? text.length : [...text].length);

/**
 * Everything that is wrong with them, in their order.
 * @param {Recipient[]} recipients
 * @param {boolean} scrubDuplicates whether CallFire is to leave out who is there twice
 * @returns {Fault[]}
 */
export function faultsOf(recipients, scrubDuplicates) {
  /** @type {Fault[]} */
  const faults = [];
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @param {string} name @param {number} row @param {string} key */
  const again = (name, row, key) => {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, row);
    else if (!scrubDuplicates) faults.push({ row, key, like: first, message: `it is that of recipient ${first} too (counted from 0): take it out, or ask for scrub_duplicates` });
  };
  recipients.forEach((recipient, row) => {
    const number = recipient.phone_number ?? null;
    const contact = recipient.contact_id ?? null;
    if ((number === null) === (contact === null)) faults.push({ row, key: "", message: "a recipient has either a phone_number or a contact_id" });
    if (number !== null) {
      const tidy = tidied(number);
      if (tidy === null) faults.push({ row, key: "phone_number", message: WRITE_NUMBER });
      else if ([...number].length > PHONE_LENGTH) faults.push({ row, key: "phone_number", message: `it has more than ${PHONE_LENGTH} characters` });
      else again(`phone ${tidy}`, row, "phone_number");
    }
    if (contact !== null) {
      if (typeof contact === "string" || contact < 1 || contact > GREATEST_ID) faults.push({ row, key: "contact_id", message: WRITE_ID });
      else again(`contact ${contact}`, row, "contact_id");
    }
    if (recipient.attributes !== undefined) ofAttributes(row, recipient.attributes, faults);
  });
  return faults;
}

/** @param {number} row @param {Record<string, string>} attributes @param {Fault[]} faults */
function ofAttributes(row, attributes, faults) {
  const all = Object.entries(attributes);
  /** @param {string} message */
  const wrong = (message) => faults.push({ row, key: "attributes", message });
  if (all.length > ATTRIBUTES_MOST) wrong(`there are more than ${ATTRIBUTES_MOST} of them`);
  for (const [name, value] of all) {
    if (name === "" || lengthOf(name) > ATTRIBUTE_NAME) wrong(`a name must have 1 to ${ATTRIBUTE_NAME} characters`);
    if (lengthOf(value) > ATTRIBUTE_VALUE) wrong(`a value has more than ${ATTRIBUTE_VALUE} characters`);
  }
}

/** A recipient as it is sent; ids keep all their digits. @param {Recipient} recipient */
export function written({ phone_number: number, contact_id: contact, attributes }) {
  const parts = [];
  if (number !== undefined && number !== null) parts.push(`"phone_number":${JSON.stringify(number)}`);
  if (contact !== undefined && contact !== null) parts.push(`"contact_id":${typeof contact === "string" ? JSON.stringify(contact) : String(contact)}`);
  if (attributes !== undefined) parts.push(`"attributes":${JSON.stringify(attributes)}`);
  return `{${parts.join(",")}}`;
}
