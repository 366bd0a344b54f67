// The pages of this daemon that are open in one browser. It keeps six connections at most to one address, and each stream holds
// one of them: so only the pages that came last keep theirs, and all of them can still ask and act.

import { actionKey } from "./api.js";

/** Streams that one browser keeps; two connections are left for everything else. */
export const STREAMS_MOST = 4;

export class Tabs {
  #me = actionKey();
  /** Those that opened a stream after this one. @type {Set<string>} */
  #newer = new Set();
  #channel = new BroadcastChannel("watcher-streams");

  /** @param {() => void} crowded called when so many opened theirs later that this one is to end its own */
  constructor(crowded) {
    this.#channel.onmessage = ({ data }) => {
      if (data.open) this.#newer.add(data.tab);
      else this.#newer.delete(data.tab);
      if (this.#newer.size >= STREAMS_MOST) crowded();
    };
    addEventListener("pagehide", () => this.closed());
  }

  opened() {
    this.#newer.clear();
    this.#channel.postMessage({ tab: this.#me, open: true });
  }

  closed() {
    this.#channel.postMessage({ tab: this.#me, open: false });
  }
}
