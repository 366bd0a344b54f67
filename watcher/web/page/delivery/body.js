// From what stands in the form to what the API takes, and back. Pure. What is not a number is sent as it is: the API says at
// its field what is wrong with it.

/** @typedef {import("../types.js").Endpoint} Endpoint */

/** What the API shows of a URL's query. */
const HIDDEN = "?…";

/**
 * A form as it stands.
 * @typedef {object} Fields
 * @property {string} id
 * @property {string} url
 * @property {string} description
 * @property {string[]} types
 * @property {string[]} accounts
 * @property {string} broadcasts
 * @property {{name: string, value: string}[]} labels
 * @property {string[]} signatures
 * @property {string} ordering
 * @property {string} form
 * @property {string} rate
 * @property {string} concurrency
 * @property {string} timeout
 * @property {"keep" | "set"} headersAre
 * @property {{name: string, value: string}[]} headers
 * @property {"keep" | "none" | "bearer" | "basic"} credentials
 * @property {string} bearer
 * @property {string} username
 * @property {string} password
 * @property {string} verification
 */

/** A form with nothing in it. @returns {Fields} */
export function empty() {
  return {
    id: "", url: "", description: "", types: [], accounts: [], broadcasts: "", labels: [], signatures: ["v1"], ordering: "none", form: "plain",
    rate: "", concurrency: "", timeout: "", headersAre: "set", headers: [], credentials: "none", bearer: "", username: "", password: "", verification: "none",
  };
}

/** The form that shows how an endpoint is set up; what is secret stays as it is until something else is chosen. @param {Endpoint} endpoint @returns {Fields} */
export function fieldsOf(endpoint) {
  return {
    ...empty(),
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    types: [...endpoint.types],
    accounts: [...endpoint.accounts],
    broadcasts: endpoint.broadcasts.join(", "),
    labels: Object.entries(endpoint.labels).map(([name, value]) => ({ name, value })),
    signatures: [...endpoint.signatures],
    ordering: endpoint.ordering,
    form: endpoint.form,
    rate: textOf(endpoint.rate),
    concurrency: textOf(endpoint.concurrency),
    timeout: textOf(endpoint.timeout),
    headersAre: "keep",
    credentials: "keep",
  };
}

/** What a new endpoint is asked for with: what was left as usual is not said. @param {Fields} fields */
export function bodyOf(fields) {
  const body = whole(fields);
  const usual = whole(empty());
  for (const name of Object.keys(body)) if (name !== "url" && JSON.stringify(body[name]) === JSON.stringify(usual[name])) delete body[name];
  return body;
}

/** What a change is asked for with: only what is another now; null where it is to be as usual. @param {Fields} before @param {Fields} fields */
export function changesOf(before, fields) {
  const [was, body] = [whole(before), whole(fields)];
  /** @type {Record<string, unknown>} */
  const changes = {};
  for (const [name, value] of Object.entries(body)) {
    if (name === "id" || name === "verification") continue;
    if (name === "headers" && fields.headersAre === "keep") continue;
    if (name === "authorization" && fields.credentials === "keep") continue;
    const isSecret = name === "headers" || name === "authorization"; // unknown to us: what is chosen is a change
    if (isSecret || JSON.stringify(value) !== JSON.stringify(was[name])) changes[name] = value;
  }
  return changes;
}

/**
 * What the API could not know to be wrong: the part of a URL that was not shown to us would become an ellipsis.
 * @param {Fields} before
 * @param {Fields} fields
 */
export function faultsOf(before, fields) {
  if (fields.url === before.url || !fields.url.includes(HIDDEN)) return [];
  return [{ pointer: "/url", message: "What stands behind the question mark is not shown: write all of the URL to change it" }];
}

/** Everything that the form says; null stands for "as usual". @param {Fields} fields @returns {Record<string, unknown>} */
function whole(fields) {
  return {
    id: fields.id.trim() || null,
    url: fields.url.trim(),
    description: fields.description.trim() || null,
    types: orNull(fields.types),
    accounts: orNull(fields.accounts),
    broadcasts: orNull(fields.broadcasts.split(/[\s,;]+/).filter((text) => text !== "").map(numberOf)),
    labels: named(fields.labels),
    signatures: fields.signatures,
    ordering: fields.ordering,
    form: fields.form,
    rate: numberOf(fields.rate),
    concurrency: numberOf(fields.concurrency),
    timeout: numberOf(fields.timeout),
    headers: named(fields.headers),
    authorization: credentials(fields),
    verification: fields.verification,
  };
}

/** @param {unknown[]} list */
const orNull = (list) => (list.length === 0 ? null : list);

/** @param {{name: string, value: string}[]} rows */
function named(rows) {
  const given = rows.filter(({ name, value }) => name.trim() !== "" || value !== "");
  return given.length === 0 ? null : Object.fromEntries(given.map(({ name, value }) => [name.trim(), value]));
}

/** @param {Fields} fields */
function credentials({ credentials, bearer, username, password }) {
  if (credentials === "bearer") return { bearer };
  return credentials === "basic" ? { basic: { username, password } } : null;
}

/** @param {string} text */
function numberOf(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  return /^\d{1,15}([.]\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** @param {number | null} value */
const textOf = (value) => (value === null ? "" : String(value));

/**
 * What a refusal says of a place in the body: what is at it, and what is beneath it.
 * @param {{pointer?: string, message: string}[]} errors
 * @param {string} pointer
 */
export function errorsAt(errors, pointer) {
  return errors.filter((error) => error.pointer === pointer || error.pointer?.startsWith(`${pointer}/`));
}

/** A step of a JSON pointer. @param {string} step */
export const pointerStep = (step) => step.replaceAll("~", "~0").replaceAll("/", "~1");
