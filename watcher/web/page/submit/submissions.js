// What was sent to CallFire and is to be: followed until each has its end, with its batch.

import { ask, pathOf, queryOf } from "../api.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { action, badge, moment, nothing, outside, problemBox, table } from "../parts.js";
import { linkTo } from "../router.js";
import { whileSeen } from "../seen.js";
import { another, stateOf } from "./state.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Schemas["Submission"]} Submission */
/** @typedef {import("../types.js").Schemas["SubmissionPage"]} SubmissionPage */

const EVERY = 3000;
const TICK = 250;
const NEWEST = 10;
const OPEN_MOST = 100;
const OPEN = ["intended", "sending", "unclear"];
/** What can still be withdrawn: not while a request is on its way. */
const WITHDRAWN = ["intended", "unclear"];

/** @param {Submission} submission */
const isOpen = ({ state }) => OPEN.includes(state);

/** Those under way, and the newest of the others. @param {App} app @returns {import("../types.js").Fetched<Submission[]>} */
const listed = (app) => app.fetched(`submissions ${stateOf(app).draft.account}`);

/** @param {App} app */
async function look(app) {
  const { account } = stateOf(app).draft;
  if (account === "" || listed(app).loading) return;
  const path = pathOf("v1", "accounts", account, "submissions");
  await app.fetch(`submissions ${account}`, async (signal) => {
    const [open, newest] = /** @type {SubmissionPage[]} */ (await Promise.all([{ settled: "false", limit: OPEN_MOST }, { limit: NEWEST }].map((query) => ask("GET", path + queryOf(query), { signal }))));
    const all = new Map([...(newest?.items ?? []), ...(open?.items ?? [])].map((each) => [each.id, each]));
    return [...all.values()].sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.created.localeCompare(a.created));
  });
  follow(app);
}

/** What was sent last is as the list says. @param {App} app */
function follow(app) {
  const state = stateOf(app);
  const before = state.sent;
  const now = listed(app).data?.find(({ id }) => id === before?.id);
  if (before === null || now === undefined || now.state === before.state) return;
  state.sent = now;
  app.announce(`The batch is ${now.state}.`);
  app.update();
}

/** Keeps the list as it is. @param {App} app */
export function enter(app) {
  let looked = -Infinity;
  const again = () => {
    if (app.page === null || performance.now() - looked < EVERY) return;
    looked = performance.now();
    void look(app);
  };
  again();
  return whileSeen(TICK, again); // soon after the first word over the stream, which says what accounts there are
}

/** The batch that was sent from here. @param {App} app */
export function sent(app) {
  const { sent: submission } = stateOf(app);
  if (submission === null) return null;
  return h("div", { key: "sent", class: "last-step", role: "status" },
    h("p", { class: "lead" }, badge(submission.state), " ", outside(submission.name)),
    h("p", null, words(submission)),
    h("p", { class: "row" },
      submission.batch_id !== null && h("a", { class: "button first", href: linkTo("batches", [submission.account, submission.batch_id]) }, `Batch ${submission.batch_id}`),
      h("button", { type: "button", autofocus: true, on: { click: () => another(app) } }, "Write another one")));
}

/** @param {Submission} submission */
function words({ state, detail, batch_id: batch }) {
  if (state === "accepted") return `CallFire has it as batch ${batch}, which is followed from now on.`;
  if (state === "refused" || state === "absent") return h("span", { class: "ill" }, "Nobody is called: ", outside(detail, "CallFire does not have it."));
  if (state === "withdrawn") return "It was withdrawn: nothing more is done about it.";
  if (state === "unclear") return ["Its answer was lost. The broadcast is looked through for it before anything else is done. ", outside(detail, "")];
  return ["It is written down, and goes to CallFire as soon as it can. It does so too when this page is closed. ", outside(detail, "")];
}

/** @param {App} app */
export function submissions(app) {
  const { data, problem } = listed(app);
  if (data === null) return problem === null ? nothing("Loading…") : problemBox(problem);
  const open = data.filter(isOpen).length;
  if (data.length === 0) return nothing("Nothing was sent in the last 30 days.");
  return [
    problemBox(problem),
    h("p", { key: "open" }, open === 0 ? "Nothing is under way." : `${count(open)} under way.`),
    table("Submissions, those under way first", [
      { name: "Batch", cell: (row) => [outside(row.name), h("div", { class: "hint" }, `broadcast ${row.broadcast_id}`, row.recipients === null ? "" : ` · ${count(row.recipients)} recipients`)] },
      { name: "State", cell: (row) => [badge(row.state), row.detail !== "" && h("div", { class: "hint" }, outside(row.detail))] },
      { name: "Written", cell: (row) => moment(app, row.created) },
      { name: "At CallFire", cell: (row) => (row.batch_id === null ? h("span", { class: "quiet" }, "–") : h("a", { href: linkTo("batches", [row.account, row.batch_id]) }, `Batch ${row.batch_id}`)) },
      ...(app.may("submit") && open > 0 ? [{ name: "Action", cell: (/** @type {Submission} */ row) => WITHDRAWN.includes(row.state) && withdraw(app, row) }] : []),
    ], data, (row) => row.id),
  ];
}

/** @param {App} app @param {Submission} row */
function withdraw(app, row) {
  return action(app, `withdraw ${row.id}`, {
    label: "Withdraw", done: "Withdrawn.",
    sure: "Nothing more is done about it. What CallFire may have already stays there.",
    run: async () => {
      await ask("DELETE", pathOf("v1", "accounts", row.account, "submissions", row.id));
      await look(app);
    },
  });
}
