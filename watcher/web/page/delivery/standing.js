// How an endpoint stands, in words. Pure.

import { count } from "../format.js";

/** @typedef {import("../types.js").Endpoint} Endpoint */

/** Failures in a row from which the daemon itself says that an endpoint fails. */
const FAILING = 4;
/** Those who need somebody soonest come first. */
const TROUBLE = ["open", "failing", "disabled", "paused"];

/** The word for it: its condition, or that it fails though it is still sent to. @param {Endpoint} endpoint */
export function standing(endpoint) {
  return endpoint.condition === "active" && endpoint.health.failures_in_a_row >= FAILING ? "failing" : endpoint.condition;
}

/** Those in trouble first, then those that somebody has to look after, then by id. @param {Endpoint[]} endpoints */
export function inOrder(endpoints) {
  /** @param {Endpoint} endpoint */
  const rank = (endpoint) => {
    const place = TROUBLE.indexOf(standing(endpoint));
    return place >= 0 ? place : endpoint.dead > 0 ? TROUBLE.length : TROUBLE.length + 1;
  };
  return [...endpoints].sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0));
}

/**
 * Its health as sentences; `at` is a moment that the sentence ends with.
 * @param {Endpoint} endpoint
 * @returns {{text: string, at?: string}[]}
 */
export function health(endpoint) {
  const { health, state } = endpoint;
  if (health.failing_since === null) return [{ text: "Its last attempt was accepted, or there was none yet." }];
  const { breaker } = health;
  /** @type {{text: string, at?: string}[]} */
  const said = [{
    text: health.failures_in_a_row === 1 ? "Its last attempt failed," : `${times(health.failures_in_a_row, "attempt")} failed in a row, the first`,
    at: health.failing_since,
  }];
  if (health.exhausted > 0) said.push({ text: `${times(health.exhausted, "event")} ran out of attempts meanwhile.` });
  if (breaker.state === "open") said.push({ text: "Its breaker is open: the next probe is sent", ...(breaker.open_until === null ? {} : { at: breaker.open_until }) });
  if (breaker.state === "probing") said.push({ text: "Its breaker lets one delivery through as a probe; when it is accepted, the rest follows." });
  if (health.disables_at !== null && state === "active" && health.failures_in_a_row >= FAILING) said.push({ text: "It is disabled by itself, if nothing succeeds meanwhile,", at: health.disables_at });
  return said;
}

/** What comes at the end of its pause. @param {Endpoint} endpoint */
export function goesOn({ condition }) {
  return condition === "open" ? "next probe" : "goes on";
}

/** @param {number} much @param {string} what */
function times(much, what) {
  return `${count(much)} ${what}${much === 1 ? "" : "s"}`;
}
