// The rooms of the page. The overview comes with it; each other is fetched when somebody first goes there, so that the first
// view is there at once. To add a room, write a module that exports a Room (types.js) and list it here.

import { room as overview } from "./overview/room.js";
import { nothing } from "./parts.js";

/** @typedef {import("./types.js").Room} Room */

const AGAIN = 2000;

/** @type {[string, string, () => Promise<{room: Room}>][]} */
const OTHERS = [
  ["batches", "Batches", () => import("./batches/room.js")],
  ["delivery", "Delivery", () => import("./delivery/room.js")],
  ["submit", "Submit", () => import("./submit/room.js")],
  ["plan", "Plan", () => import("./plan/room.js")],
];

export class Rooms {
  /** @type {Room[]} */
  list;
  /** @type {Set<Room>} */
  #awaited = new Set();
  #come;

  /** @param {(name: string) => void} come called when a room is there that was gone to */
  constructor(come) {
    this.#come = come;
    this.list = [overview, ...OTHERS.map((each) => this.#place(...each))];
  }

  /** The room of that name; the overview where there is none. @param {string} name */
  named(name) {
    return this.list.find((room) => room.name === name) ?? overview;
  }

  /** Whether the room is there, and not only its place. @param {Room} room */
  has(room) {
    return !this.#awaited.has(room);
  }

  /** What stands for a room until it is there. @param {string} name @param {string} label @param {() => Promise<{room: Room}>} load */
  #place(name, label, load) {
    let said = "Loading…";
    /** @type {Room} */
    const place = { name, label, title: () => label, view: () => nothing(said), enter: (_, app) => {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      let isHere = true;
      const fetch = () => load().then(({ room }) => {
        this.#awaited.delete(place);
        this.list = this.list.map((each) => (each === place ? room : each));
        if (isHere) this.#come(name);
      }, () => {
        said = "This part of the page could not be loaded. Trying again… If it stays so, reload the page.";
        if (isHere) timer = setTimeout(fetch, AGAIN);
        app.update();
      });
      void fetch();
      return () => {
        isHere = false;
        clearTimeout(timer);
      };
    } };
    this.#awaited.add(place);
    return place;
  }
}
