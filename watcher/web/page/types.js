// What the modules hand each other, for the type checker; it does nothing. The daemon's documents are typed from its OpenAPI
// document, so that the page cannot read what no answer has.

/** @typedef {import("../../../tests/page/api.js").components["schemas"]} Schemas */
/** @typedef {Schemas["Watch"]} Watch */
/** @typedef {Schemas["WatchDetails"]} WatchDetails */
/** @typedef {Schemas["Account"]} Account */
/** @typedef {Schemas["Endpoint"]} Endpoint */
/** @typedef {Schemas["Delivery"]} Delivery */
/** @typedef {Schemas["Session"]} Session */
/** @typedef {{type: string, title: string, status: number, detail: string, errors?: {pointer?: string, parameter?: string, message: string}[]}} Problem */
/** @typedef {import("./router.js").Place} Place */
/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./api.js").Refusal} Refusal */

/**
 * What the stream shows: watches by "ACCOUNT/BATCH" in their order, accounts, counts by account and status, and the endpoints
 * that need a person.
 * @typedef {object} PageDocument
 * @property {Record<string, Watch>} watches
 * @property {string[]} [order]
 * @property {number} [total]
 * @property {number} [attention]
 * @property {boolean} more
 * @property {Record<string, Account>} accounts
 * @property {Record<string, Record<string, number>>} counts
 * @property {Record<string, Endpoint>} endpoints
 * @property {number} position
 */

/**
 * How the connection is: `heard` is when something last came over it, `retry` when it is tried again.
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "lost" | "resting"} state
 * @property {Date | null} heard
 * @property {Date | null} retry
 * @property {Refusal | null} problem
 */

/**
 * What an action is at: asked whether it is meant, under way, failed or done.
 * @typedef {object} ActionState
 * @property {"idle" | "asking" | "working" | "failed" | "done"} state
 * @property {Refusal | null} problem
 * @property {string} key
 */

/**
 * What was fetched: `data` stays while it is fetched anew, and when that fails.
 * @template T
 * @typedef {object} Fetched
 * @property {T | null} data
 * @property {Refusal | null} problem
 * @property {Date | null} at
 * @property {boolean} loading
 */

/**
 * The page as a room sees it. After changing anything that a view shows, call `update`.
 * @typedef {object} App
 * @property {Session | null} session
 * @property {Connection} connection
 * @property {PageDocument | null} page
 * @property {boolean} fits whether `page` is what the present room asked for
 * @property {Date} now by the daemon's clock
 * @property {Place} place
 * @property {Map<string, ActionState>} actions
 * @property {() => void} update
 * @property {(scope: "read" | "write" | "submit" | "admin") => boolean} may
 * @property {<T>(name: string, make: () => T) => T} local what a room keeps under a name, made when it is first wanted
 * @property {<T>(name: string) => Fetched<T>} fetched
 * @property {<T>(name: string, fetch: (signal: AbortSignal) => Promise<T>) => Promise<void>} fetch
 * @property {(name: string) => void} forget
 * @property {(text: string) => void} announce says it to who listens with a screen reader
 */

/**
 * A room of the page: a view, and what it needs while somebody is in it.
 * @typedef {object} Room
 * @property {string} name as in the address
 * @property {string} label as in the navigation
 * @property {(place: Place) => string} title
 * @property {(place: Place) => Record<string, string | number | null | undefined> | undefined} [looks] the query of the stream;
 *   nothing where the usual one will do
 * @property {(place: Place, app: App) => (() => void)} [enter] begins what goes on while somebody is here, gives its end
 * @property {(place: Place, app: App) => Child} view
 */

export {};
