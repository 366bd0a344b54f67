// Where in the page somebody is: the hash of the address, so that every view has a link, and going back works.

/** @typedef {{room: string, steps: string[], query: Record<string, string>}} Place */

/** @param {string} hash as in location.hash @returns {Place} */
export function placeOf(hash) {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [room = "", ...steps] = path.split("/").filter((step) => step !== "").map(readable);
  return { room: room || "overview", steps, query: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * The address of a place; what is empty in the query is left out.
 * @param {string} room
 * @param {(string | number)[]} [steps]
 * @param {Record<string, string | number | null | undefined>} [query]
 */
export function linkTo(room, steps = [], query = {}) {
  const path = [room === "overview" ? "" : room, ...steps].map((step) => encodeURIComponent(step)).join("/");
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${path}${text === "" ? "" : `?${text}`}`;
}

/** @param {string} step */
function readable(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
