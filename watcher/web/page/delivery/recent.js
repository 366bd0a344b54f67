// What the last hour's figures of an endpoint come to. Pure.

/** @typedef {import("../types.js").Schemas["Recent"]} Recent */
/** @typedef {{at: Date, done: number, failed: number, p50: number | null, p95: number | null}} Minute */

/** Minutes that are drawn. */
const MINUTES = 60;

/**
 * One entry a minute, an hour of them, the newest last; also where the daemon has not run for so long.
 * @param {Recent} recent
 * @returns {Minute[]}
 */
export function minutes(recent) {
  const since = new Date(recent.since).getTime();
  const known = recent.done.length;
  return Array.from({ length: MINUTES }, (_, place) => {
    const index = known - MINUTES + place;
    return {
      at: new Date(since + index * recent.step * 1000),
      done: recent.done[index] ?? 0,
      failed: recent.failed[index] ?? 0,
      p50: recent.p50[index] ?? null,
      p95: recent.p95[index] ?? null,
    };
  });
}

/** From when on the attempts are known, where that is less than an hour ago: what was before the daemon began is not. @param {Recent} recent */
export function knownSince(recent) {
  return recent.done.length < MINUTES ? new Date(recent.since) : null;
}

/** The share that was accepted in each minute, null where nothing was sent. @param {Minute[]} hour */
export function shares(hour) {
  return hour.map(({ done, failed }) => (done + failed === 0 ? null : done / (done + failed)));
}

/** How many attempts there were, and the share of them that was accepted. @param {Minute[]} hour */
export function inAll(hour) {
  const done = hour.reduce((sum, minute) => sum + minute.done, 0);
  const failed = hour.reduce((sum, minute) => sum + minute.failed, 0);
  return { done, failed, share: done + failed === 0 ? null : done / (done + failed) };
}

/** The newest figure there is. @param {(number | null)[]} values */
export function newest(values) {
  return values.findLast((value) => value !== null) ?? null;
}

/** A round figure that no value is above, and whose half is round too. @param {number} most */
export function roundAbove(most) {
  if (most <= 0) return 2;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([2, 4, 6, 8].find((times) => most <= times * power * (1 + 1e-9)) ?? 10) * power;
}
