// Requests to the daemon, and its refusals. Every request has a deadline, and one that does something bears a key, so that
// repeating it after a lost answer does nothing twice.

/** @typedef {import("./types.js").Problem} ProblemDocument */

const DEADLINE = 30_000;
/** What the window hears when the daemon no longer knows who asks, whatever was asked. */
export const SESSION_OVER = "session-over";

/** Why something was not done: a problem document, or that nobody answered (`status` 0). */
export class Refusal extends Error {
  /** @param {number} status @param {Partial<ProblemDocument>} document */
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The daemon answered ${status}.`);
    this.status = status;
    this.document = document;
    this.kind = (document.type ?? "").split("/").pop() ?? "";
  }
}

/** What was thrown, as a refusal: what is none is a mistake of the page. @param {unknown} error */
export function asRefusal(error) {
  return error instanceof Refusal ? error : new Refusal(0, { title: "The page failed.", detail: String(error) });
}

/** A key for an action, to be kept for its repetitions. (randomUUID is only there over https and on this machine.) */
export function actionKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Asks the daemon and gives the body of its answer, null where it has none. Throws Refusal.
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, key?: string, headers?: Record<string, string>, signal?: AbortSignal, deadline?: number, heed?: (headers: Headers) => void}} [more]
 * @returns {Promise<T>}
 */
export async function ask(method, path, more = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", ...more.headers };
  if (more.body !== undefined) headers["Content-Type"] ??= "application/json";
  if (more.key !== undefined) headers["Idempotency-Key"] = more.key;
  const deadline = AbortSignal.timeout(more.deadline ?? DEADLINE);
  const signal = more.signal === undefined ? deadline : AbortSignal.any([more.signal, deadline]);
  const body = more.body === undefined ? undefined : typeof more.body === "string" ? more.body : JSON.stringify(more.body);
  try {
    // Not from the browser's store: an ETag only tells that nothing changed which matters, and what changes by itself is shown too.
    const response = await fetch(path, { method, headers, signal, cache: "no-store", credentials: "same-origin", ...(body === undefined ? {} : { body }) });
    if (response.status === 401 && path !== "/v1/session") globalThis.dispatchEvent(new Event(SESSION_OVER));
    if (!response.ok) throw await refusal(response);
    const answer = response.status === 204 ? null : await response.json();
    more.heed?.(response.headers);
    return /** @type {T} */ (answer);
  } catch (error) {
    if (error instanceof Refusal || more.signal?.aborted) throw error;
    const said = deadline.aborted ? "The daemon did not answer in time." : "The daemon cannot be reached.";
    throw new Refusal(0, { title: "No answer.", detail: `${said} ${method === "GET" ? "Try again." : "Whether it was done is not certain: look before you repeat it."}` });
  }
}

/** @param {Response} response @returns {Promise<Refusal>} */
export async function refusal(response) {
  try {
    return new Refusal(response.status, await response.json());
  } catch {
    return new Refusal(response.status, { title: response.statusText });
  }
}

/** A path of these steps, each as it must be written there. @param {...(string | number)} steps */
export function pathOf(...steps) {
  return "/" + steps.map((step) => encodeURIComponent(step)).join("/");
}

/** A query of what is given; lists several times. @param {Record<string, unknown>} given */
export function queryOf(given) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
