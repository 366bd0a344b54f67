// Server-sent events read from the bytes of an answer. Unlike the browser's EventSource it tells of signs of life (comments),
// and its reader sees the status of the answer, so that a refusal is not taken for a lost connection.

/** @typedef {{event: string, data: string}} Frame */

/** Takes text in pieces, gives the events that are complete. */
export class FrameReader {
  #rest = "";
  #event = "";
  /** @type {string[]} */
  #data = [];

  /** @param {string} text @returns {Frame[]} */
  take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    /** @type {Frame[]} */
    const frames = [];
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.#data.length > 0) frames.push({ event: this.#event || "message", data: this.#data.join("\n") });
        this.#event = "";
        this.#data = [];
      } else if (line.startsWith("event:")) this.#event = line.slice(6).trim();
      else if (line.startsWith("data:")) this.#data.push(line.startsWith("data: ") ? line.slice(6) : line.slice(5));
    }
    return frames;
  }
}
