// Batches: the list of all that are followed, and one by itself.

import { linkTo } from "../router.js";
import { batch } from "./batch.js";
import { queryFor } from "./filters.js";
import { freshMemory, list, MEMORY } from "./list.js";
import { keepLoaded } from "./load.js";

/** @param {import("../types.js").Place} place */
const isOne = (place) => place.steps.length >= 2;

/** @type {import("../types.js").Room} */
export const room = {
  name: "batches",
  label: "Batches",
  title: (place) => (isOne(place) ? `Batch ${place.steps[1]}` : "Batches"),
  looks: (place) => (isOne(place) ? undefined : queryFor(place)),
  enter: (place, app) => {
    if (isOne(place)) return keepLoaded(app, place);
    app.local(MEMORY, freshMemory).isHeld = false; // whoever left while pointing at a row does not point at it any more
    return () => {};
  },
  view: (place, app) => {
    if (isOne(place)) return batch(place, app);
    app.local("way back to batches", () => ({ link: "" })).link = linkTo("batches", [], place.query);
    return list(app);
  },
};
