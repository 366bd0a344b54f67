// What this room fetches while somebody looks at it: when it is first shown, where something else is asked for, and every few
// seconds again.

import { ask } from "../api.js";
import { whileSeen } from "../seen.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {{document: any, etag: string, path: string}} Answer what is at a path */

const EVERY = 5000;
/** How long after something was done its consequences are looked at. */
const SOON = 1000;

/** What is asked for: by name the path, and whether the view still wants it. @param {App} app @returns {Map<string, {path: string, wanted: boolean}>} */
const asked = (app) => app.local("delivery asked", () => new Map());

/**
 * What is at the path, under a name that another path can have later. While it is fetched, what was there before stays.
 * @param {App} app
 * @param {string} name
 * @param {string} path
 * @returns {import("../types.js").Fetched<Answer>}
 */
export function load(app, name, path) {
  const before = asked(app).get(name);
  asked(app).set(name, { path, wanted: true });
  if (before?.path !== path) void again(app, name);
  return app.fetched(`delivery: ${name}`);
}

/** Fetches it anew. @param {App} app @param {string} name */
export async function again(app, name) {
  const path = asked(app).get(name)?.path;
  if (path === undefined) return;
  await app.fetch(`delivery: ${name}`, async (signal) => {
    let etag = "";
    const document = await ask("GET", path, { signal, heed: (headers) => { etag = headers.get("ETag") ?? ""; } });
    return /** @type {Answer} */ ({ document, etag, path });
  });
}

/** Something was done: what is on the screen is fetched anew, now and when it has had its consequences. @param {App} app */
export function done(app) {
  const all = () => { for (const [name, { wanted }] of asked(app)) if (wanted) void again(app, name); };
  all();
  setTimeout(all, SOON);
}

/** Fetches all that is on the screen anew, now and then; gives the end of it. @param {App} app */
export function keepFresh(app) {
  const end = whileSeen(EVERY, () => {
    if (app.session === null) return;
    for (const [name, one] of asked(app)) {
      if (one.wanted && !app.fetched(`delivery: ${name}`).loading) void again(app, name);
      one.wanted = false; // the next drawing says so again
    }
    app.update();
  });
  return () => {
    end();
    for (const name of asked(app).keys()) app.forget(`delivery: ${name}`);
    asked(app).clear();
  };
}
