// The room `plan`: what an account's budget buys with its present load, drawn, in words and as a table.

import { ask, pathOf } from "../api.js";
import { h } from "../dom.js";
import { field, nameChoice } from "../fields.js";
import { figure } from "../format.js";
import { moment, nothing, outside, problemBox, section } from "../parts.js";
import { linkTo } from "../router.js";
import { whileSeen } from "../seen.js";
import { ofLoad, ofOthers, ofPresent } from "./bought.js";
import { curve, figures } from "./curve.js";

/** @typedef {import("../types.js").App} App */
/** @typedef {import("../types.js").Place} Place */
/** @typedef {import("./bought.js").Plan} Plan */

const DEADLINE = 150_000; // the daemon gives up after two minutes
const AGAIN = 5000;
const LOOK = 250;
const IDLE = "No batch of this account is on its way, so there is no load to plan for. Follow some first.";

/** The account that the place names, else the first one with something to plan for. @param {Place} place @param {App} app */
function accountOf(place, app) {
  const first = app.local("account to plan for", () => ({ name: /** @type {string | undefined} */ (undefined) })); // it stays when its last batch ends
  const all = Object.values(app.page?.accounts ?? {});
  first.name ??= (all.find((each) => each.open > 0) ?? all[0])?.name;
  return place.steps[0] ?? first.name;
}

/** Whether none of its batches is on its way: then there is nothing to ask for. @param {App} app @param {string} account */
const isIdle = (app, account) => app.page?.accounts[account]?.open === 0;

/** @param {App} app @param {string} account @returns {import("../types.js").Fetched<Plan>} */
const planOf = (app, account) => app.fetched(`plan ${account}`);

/** @param {App} app @param {string} account */
function make(app, account) {
  return app.fetch(`plan ${account}`, (signal) => ask("GET", pathOf("v1", "accounts", account, "plan"), { signal, deadline: DEADLINE }));
}

/**
 * Has the plan made once it is known whose, and again while another account's is being played.
 * @param {Place} place
 * @param {App} app
 */
function enter(place, app) {
  let asked = -Infinity;
  const look = () => {
    const account = accountOf(place, app);
    if (account === undefined || isIdle(app, account)) return;
    const { problem, loading } = planOf(app, account);
    const isFirst = asked === -Infinity;
    if (!isFirst && (loading || problem?.kind !== "plan-under-way" || performance.now() - asked < AGAIN)) return;
    asked = performance.now();
    void make(app, account);
  };
  look();
  return whileSeen(LOOK, look);
}

/** @param {Place} place @param {App} app */
function view(place, app) {
  const account = accountOf(place, app);
  if (account === undefined) return nothing(app.page === null ? "Loading…" : "No account.");
  const names = Object.keys(app.page?.accounts ?? {});
  const { data: plan, problem, loading } = planOf(app, account);
  return h("div", { key: "planning", class: "planning" },
    h("p", { key: "what" }, "How late the end of a batch is noticed depends on how many requests a second the account may make. The load of the account is played through the daemon's own schedule, at its rate, at less and at more; CallFire is asked nothing for that."),
    names.length > 1 && field("plan-account", "Account", nameChoice({ id: "plan-account" }, names, account, (name) => { location.hash = linkTo("plan", [name]); })),
    plan === null && problem === null && !loading && isIdle(app, account) && nothing(IDLE),
    loading && h("p", { key: "loading", class: "quiet", role: "status" }, "Being played: that takes some seconds to a minute…"),
    !loading && problem !== null && obstacle(problem, () => make(app, account)),
    plan !== null && shown(app, account, plan, loading));
}

/** Why there is no plan. @param {import("../types.js").Refusal} problem @param {() => unknown} again */
function obstacle(problem, again) {
  const button = h("button", { type: "button", on: { click: again } }, "Try again");
  if (problem.kind === "nothing-to-plan") return h("div", { key: "nothing" }, nothing(IDLE), button);
  if (problem.kind === "plan-under-way") return nothing("Another account's load is being played. This one comes next, by itself.");
  return problemBox(problem, button);
}

/** @param {App} app @param {string} account @param {Plan} plan @param {boolean} loading */
function shown(app, account, plan, loading) {
  const effective = app.page?.accounts[account]?.effective_rate ?? plan.rate;
  return h("div", { key: "plan" },
    section("The load", h("p", null, ofLoad(plan.load)), plan.load.part < 1 && h("p", { class: "hint" }, `It is so large that ${figure(plan.load.part * 100)} % of it was played, with as much of the rate: the figures are on the careful side.`)),
    section("What the rate buys",
      h("p", { class: "lead" }, ofPresent(plan)),
      effective < plan.rate && h("p", null, `CallFire lets the account make only ${figure(effective)} a second just now.`),
      h("ul", null, ofOthers(plan).map((text) => h("li", { key: text }, text))),
      curve(plan),
      figures(plan)),
    h("p", { class: "row" },
      h("span", { class: "quiet" }, "Played for ", outside(account), " ", moment(app, plan.at), "; kept for ten minutes, unless the load changes."),
      h("button", { type: "button", disabled: loading, on: { click: () => make(app, account) } }, "Look again")));
}

/** @type {import("../types.js").Room} */
export const room = { name: "plan", label: "Plan", title: (place) => (place.steps[0] === undefined ? "Plan" : `Plan of ${place.steps[0]}`), enter, view };
