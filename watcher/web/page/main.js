// The page, put together: who looks, the stream, where somebody is, and what is drawn of it.
//
// One state, one drawing: whatever changes calls `update`, and at the next frame the view of the present room is made anew as a
// value and the screen made like it (dom.js). What is live comes over one stream (live.js); what else a room needs it fetches
// while somebody is in it (`fetch`). To add a room, write a module that exports a Room (types.js) and list it in rooms.js.
//
//   main.js      this: App, rooms, drawing            dom.js      elements as values
//   frame.js     what stands around every room        parts.js    badges, moments, tables, actions
//   live.js      the stream (frames, patch, tabs.js)  format.js   numbers, durations, moments
//   api.js       requests and refusals                svg.js      scales and lines
//   router.js    places and their addresses           meanings.js what needs a person, and what to do
//   rooms.js     which rooms there are

import { ask, Refusal, SESSION_OVER } from "./api.js";
import { h, render } from "./dom.js";
import { arriving, frame, signIn } from "./frame.js";
import { Live } from "./live.js";
import { problemBox } from "./parts.js";
import { placeOf } from "./router.js";
import { Rooms } from "./rooms.js";

/** @typedef {import("./types.js").App} App */
/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Session} Session */

/** What the stream shows where a room needs nothing else: equal for all, so that the daemon makes it once. */
export const USUAL = { order: "attention", limit: 25 };

/** @param {HTMLElement} body @param {HTMLElement} said */
export function start(body, said) {
  let drawing = false;
  /** @type {Map<string, import("./types.js").Fetched<any>>} */
  const fetched = new Map();
  /** @type {Map<string, AbortController>} */
  const fetching = new Map();
  /** @type {Map<string, unknown>} */
  const locals = new Map();
  /** @type {(() => void) | undefined} */
  let leave;
  let here = "";

  const update = () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(draw);
  };
  const live = new Live(update, () => signedOut());
  /** Whether the daemon has said who looks, or that it is nobody. */
  let known = false;
  /** Who looked last: what another person sees and wrote is not theirs. @type {string | null} */
  let holder = null;
  /** Why that is not known. @type {Refusal | null} */
  let unknown = null;
  const began = Date.now();

  /** @type {App} */
  const app = {
    session: null,
    get connection() { return live.connection; },
    get page() { return live.page; },
    get fits() { return live.fits; },
    get now() { return new Date(Date.now() + live.ahead); },
    place: placeOf(location.hash),
    actions: new Map(),
    update,
    may: (scope) => app.session?.scopes.includes(scope) ?? false,
    local: (name, make) => {
      if (!locals.has(name)) locals.set(name, make());
      return /** @type {any} */ (locals.get(name));
    },
    fetched: (name) => fetched.get(name) ?? { data: null, problem: null, at: null, loading: false },
    async fetch(name, get) {
      fetching.get(name)?.abort();
      const controller = new AbortController();
      fetching.set(name, controller);
      fetched.set(name, { ...app.fetched(name), loading: true });
      update();
      try {
        fetched.set(name, { data: await get(controller.signal), problem: null, at: app.now, loading: false });
      } catch (error) {
        if (controller.signal.aborted) return;
        const problem = error instanceof Refusal ? error : new Refusal(0, { title: "The page failed.", detail: String(error) });
        fetched.set(name, { ...app.fetched(name), problem, loading: false });
      }
      fetching.delete(name);
      update();
    },
    forget(name) {
      fetching.get(name)?.abort();
      fetched.delete(name);
    },
    announce: (text) => { said.textContent = text; },
  };

  const rooms = new Rooms(() => {
    depart();
    arrive();
    update();
  });
  const roomHere = () => rooms.named(app.place.room);

  /** Whoever is in a room leaves it. */
  function depart() {
    leave?.();
    leave = undefined;
    here = "";
  }

  /** The stream and what goes on here become those of the place. */
  function arrive() {
    if (app.session === null) return;
    const room = roomHere();
    if (rooms.has(room)) live.show(room.looks?.(app.place) ?? USUAL);
    const place = JSON.stringify([room.name, app.place.steps]);
    if (place === here) return;
    depart();
    here = place;
    app.actions.clear();
    leave = room.enter?.(app.place, app);
  }

  /** What was typed and shown stays for the same person, who may sign in again. */
  function signedOut() {
    live.close();
    app.session = null;
    known = true;
    depart();
    update();
  }

  /** @param {Session} session */
  function signedIn(session) {
    if (holder !== null && holder !== session.holder) forget();
    holder = session.holder;
    app.session = session;
    known = true;
    arrive();
    update();
  }

  async function meet() {
    try {
      const session = /** @type {Session} */ (await ask("GET", "/v1/session"));
      unknown = null;
      signedIn(session);
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) signedOut();
      else {
        unknown = error instanceof Refusal ? error : new Refusal(0, { detail: String(error) });
        setTimeout(meet, 2000);
        update();
      }
    }
  }

  function draw() {
    drawing = false;
    const room = roomHere();
    const title = known && app.session === null ? "Sign in" : room.title(app.place);
    document.title = `${title} – watcher`;
    if (app.session !== null) {
      const content = h("main", { id: "view", key: room.name, tabindex: "-1", "aria-busy": live.fits && rooms.has(room) ? null : "true" }, h("h1", null, title), viewOf(room));
      show(frame(app, { rooms: rooms.list, content, retry: () => live.retry(), signOut }));
    } else if (known) show(signIn(app, signedIn));
    else show(arriving(unknown, Date.now() - began));
  }

  /** Of a mistake of ours in one room the others, and what stands around them, know nothing. @param {Room} room */
  function viewOf(room) {
    try {
      return room.view(app.place, app);
    } catch (error) {
      console.error(error);
      return problemBox(new Refusal(0, { title: "The page failed to show this.", detail: `${error instanceof Error ? error.message : error}. Reload it, or go to another room.` }));
    }
  }

  /** Where what had the focus is no longer there, who goes by keyboard goes on at the room, not at the top of the page. @param {import("./dom.js").Child} content */
  function show(content) {
    const focused = document.activeElement;
    render(body, content);
    if (focused === null || focused === document.body || focused.isConnected) return;
    setTimeout(() => document.activeElement === document.body && document.getElementById("view")?.focus({ preventScroll: true })); // others may want it first
  }

  function forget() {
    live.forget();
    for (const controller of fetching.values()) controller.abort();
    fetched.clear();
    locals.clear();
  }

  async function signOut() {
    await ask("DELETE", "/v1/session");
    forget();
    signedOut();
  }

  addEventListener("hashchange", () => {
    const before = app.place;
    app.place = placeOf(location.hash);
    arrive();
    update();
    if (before.room === app.place.room && before.steps.join() === app.place.steps.join()) return;
    requestAnimationFrame(() => {
      scrollTo(0, 0);
      document.getElementById("view")?.focus({ preventScroll: true });
      app.announce(document.title);
    });
  });
  addEventListener(SESSION_OVER, () => app.session !== null && signedOut());
  document.addEventListener("visibilitychange", () => {
    const isOut = known && app.session === null && document.visibilityState === "visible";
    if (isOut) void meet(); // it may be signed in by another window
  });
  setInterval(update, 1000);
  void meet();
  return app;
}


