// The page, put together: who looks, the stream, where somebody is, and what is drawn of it.
//
// One state, one drawing: whatever changes calls `update`, and at the next frame the view of the present room is made anew as a
// value and the screen made like it (dom.js). What is live comes over one stream (live.js); what else a room needs it fetches
// while somebody is in it (`fetch`). To add a room, write a module that exports a Room (types.js) and list it in rooms.js.
//
//   main.js      this: App, rooms, drawing            dom.js        elements as values
//   frame.js     what stands around every room        parts.js      badges, moments, tables, actions
//   session.js   who looks                            fields.js     fields of forms, and what is wrong at them
//   live.js      the stream (frames, patch, tabs.js)  deliveries.js deliveries and their attempts, for two rooms
//   kept.js      what rooms fetched and keep          format.js     numbers, durations, moments
//   api.js       requests and refusals                svg.js        scales and lines
//   router.js    places and their addresses           meanings.js   what needs a person, and what to do
//   rooms.js     which rooms there are                types.js      what the modules hand each other
//   seen.js      what goes on while it is seen        page.css      how all of it looks
//   once.js      no button acts twice by one press
//   begin.js     begins it in the document

import { Refusal, SESSION_OVER } from "./api.js";
import { h, render } from "./dom.js";
import { arriving, frame, signIn } from "./frame.js";
import { Kept } from "./kept.js";
import { Live } from "./live.js";
import { problemBox } from "./parts.js";
import { placeOf } from "./router.js";
import { Rooms } from "./rooms.js";
import { Who } from "./session.js";

/** @typedef {import("./types.js").App} App */
/** @typedef {import("./types.js").Room} Room */

/** What the stream shows where a room needs nothing else: equal for all, so that the daemon makes it once. */
const USUAL = { order: "attention", limit: 25 };

/** @param {HTMLElement} body @param {HTMLElement} said */
export function start(body, said) {
  let drawing = false;
  /** @type {(() => void) | undefined} */
  let leave;
  let here = "";
  const began = Date.now();

  const update = () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(draw);
  };
  const live = new Live(update, () => who.leave());
  const kept = new Kept(update, () => app.now);
  const who = new Who({ update, went, came: (isAnother) => {
    if (isAnother) forget();
    arrive();
    update();
  } });

  /** @type {App} */
  const app = {
    get session() { return who.session; },
    get connection() { return live.connection; },
    get page() { return live.page; },
    get fits() { return live.fits; },
    get now() { return new Date(Date.now() + live.ahead); },
    place: placeOf(location.hash),
    actions: new Map(),
    update,
    may: (scope) => app.session?.scopes.includes(scope) ?? false,
    local: (name, make) => kept.local(name, make),
    fetched: (name) => kept.fetched(name),
    fetch: (name, get) => kept.fetch(name, get),
    forget: (name) => kept.forget(name),
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

  function went() {
    live.close();
    depart();
    update();
  }

  function draw() {
    drawing = false;
    const room = roomHere();
    const title = who.isKnown && app.session === null ? "Sign in" : room.title(app.place);
    document.title = `${title} – watcher`;
    if (app.session !== null) {
      const content = h("main", { id: "view", key: room.name, tabindex: "-1", "aria-busy": live.fits && rooms.has(room) ? null : "true" }, h("h1", null, title), viewOf(room));
      show(frame(app, { rooms: rooms.list, content, retry: () => live.retry(), signOut }));
    } else if (who.isKnown) show(signIn(app, (session) => who.come(session)));
    else show(arriving(who.problem, Date.now() - began));
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
    kept.forgetAll();
  }

  async function signOut() {
    await who.signOut();
    forget();
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
  addEventListener(SESSION_OVER, () => app.session !== null && who.leave());
  document.addEventListener("visibilitychange", () => {
    const isOut = who.isKnown && app.session === null && document.visibilityState === "visible";
    if (isOut) void who.meet(); // it may be signed in by another window
  });
  setInterval(update, 1000);
  void who.meet();
  return app;
}
