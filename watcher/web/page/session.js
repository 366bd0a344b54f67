// Who looks: the daemon is asked until it has said so, or that it is nobody; and signing in and out.

import { asRefusal, ask, Refusal } from "./api.js";

/** @typedef {import("./types.js").Session} Session */
/** What comes of it: `came` when it is known who looks, and whether it is another than before; `went` when it is nobody. @typedef {{came: (isAnother: boolean) => void, went: () => void, update: () => void}} Heard */

const AGAIN = 2000;

export class Who {
  /** @type {Session | null} */
  session = null;
  /** Whether the daemon has said who looks, or that it is nobody. */
  isKnown = false;
  /** Why that is not known. @type {Refusal | null} */
  problem = null;
  /** Who looked last: what another person sees and wrote is not theirs. @type {string | null} */
  #holder = null;
  #heard;

  /** @param {Heard} heard */
  constructor(heard) {
    this.#heard = heard;
  }

  /** Asks the daemon, again and again until it answers. @returns {Promise<void>} */
  async meet() {
    try {
      this.come(/** @type {Session} */ (await ask("GET", "/v1/session")));
    } catch (error) {
      this.problem = asRefusal(error);
      if (this.problem.status === 401) return this.leave();
      setTimeout(() => this.meet(), AGAIN);
      this.#heard.update();
    }
  }

  /** @param {Session} session */
  come(session) {
    const isAnother = this.#holder !== null && this.#holder !== session.holder;
    Object.assign(this, { session, isKnown: true, problem: null });
    this.#holder = session.holder;
    this.#heard.came(isAnother);
  }

  /** Nobody looks any more. What was typed and shown stays for the same person, who may sign in again. */
  leave() {
    Object.assign(this, { session: null, isKnown: true });
    this.#heard.went();
  }

  async signOut() {
    await ask("DELETE", "/v1/session");
    this.leave();
  }
}
