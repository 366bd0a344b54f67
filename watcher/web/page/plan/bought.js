// What a plan says, in words, and the axes that it is drawn on. Pure.

import { duration, figure } from "../format.js";

/** @typedef {import("../types.js").Schemas["Plan"]} Plan */
/** @typedef {import("../types.js").Schemas["Point"]} Point */

/** A gain below this share of the delay is not worth asking for more. */
const LITTLE = 0.1;
/** From this ratio of the longest delay to the shortest on an even scale would show only the longest. */
const WIDE = 8;

/** The point of the present rate. @param {Plan} plan */
export const present = (plan) => nearest(plan, plan.rate);

/** @param {Plan} plan @param {number} rate @returns {Point | undefined} */
function nearest({ points }, rate) {
  return points.find((point) => Math.abs(point.rate - rate) <= rate * 1e-6);
}

/** The load that was played. @param {Plan["load"]} load */
export function ofLoad(load) {
  const each = load.arrivals >= 1 ? `${figure(load.arrivals)} new ones a second` : `a new one every ${duration(1 / load.arrivals)}`;
  const known = load.learnt ? "as this account's batches have shown" : "as is usual: this account has seen no end yet";
  return `${figure(load.in_flight)} ${load.in_flight === 1 ? "batch" : "batches"} on the way, about ${each}, each for ${duration(load.duration)} on average (${known}).`;
}

/** What the present rate brings. @param {Plan} plan */
export function ofPresent(plan) {
  const now = present(plan);
  const rate = `${figure(plan.rate)} ${plan.rate === 1 ? "request" : "requests"} a second`;
  if (now === undefined || now.p50 === null || now.p95 === null) return `${rate} ${plan.rate === 1 ? "does" : "do"} not keep up with this load: ends are noticed later and later.`;
  return `With ${rate}, half of the ends are noticed within ${duration(now.p50)}, and 95 % within ${duration(now.p95)}.`;
}

/** What twice the present rate would bring, and what half of it would do. @param {Plan} plan @returns {string[]} */
export function ofOthers(plan) {
  const now = present(plan)?.p95 ?? null;
  return [ofMore(plan, now), ofLess(plan, now)].filter((text) => text !== "");
}

/** @param {Plan} plan @param {number | null} now */
function ofMore(plan, now) {
  const keeping = plan.points.find((point) => point.rate > plan.rate && point.p95 !== null);
  if (now === null) {
    if (keeping === undefined || keeping.p95 === null) return "None of the rates that were tried keeps up.";
    return `${figure(keeping.rate)} requests a second would keep up: 95 % within ${duration(keeping.p95)}.`;
  }
  const twice = nearest(plan, plan.rate * 2)?.p95 ?? null;
  if (twice === null) return "";
  if (now - twice < LITTLE * now) return `Twice as many would bring little: 95 % within ${duration(twice)}.`;
  return `Twice as many would bring 95 % within ${duration(twice)}: ${duration(now - twice)} sooner.`;
}

/** @param {Plan} plan @param {number | null} now */
function ofLess(plan, now) {
  const half = nearest(plan, plan.rate / 2);
  if (half === undefined || now === null) return "";
  if (half.p95 === null) return "Half as many would not keep up.";
  if (half.p95 - now < LITTLE * now) return `Half as many would do as well: 95 % within ${duration(half.p95)}.`;
  return `Half as many would cost ${duration(half.p95 - now)}: 95 % within ${duration(half.p95)}.`;
}

/**
 * The axis of delays: where it begins and ends, whether it goes by ratio, and what is written on it.
 * @param {Point[]} points
 * @returns {{domain: [number, number], byRatio: boolean, ticks: number[]} | null} null where there is nothing to draw
 */
export function delayAxis(points) {
  const delays = points.flatMap(({ p50, p95 }) => [p50, p95]).filter((delay) => delay !== null && delay > 0);
  if (delays.length === 0) return null;
  const [low, high] = [Math.min(.../** @type {number[]} */ (delays)), Math.max(.../** @type {number[]} */ (delays))];
  if (high / low < WIDE) {
    const top = roundUp(high);
    return { domain: [0, top], byRatio: false, ticks: [0, top / 2, top] };
  }
  const [from, to] = [roundDown(low), roundUp(high)];
  const all = steps(from, to);
  const ticks = all.length <= 6 ? all : all.filter((tick) => tick === from || tick === to || isPower(tick));
  return { domain: [from, to], byRatio: true, ticks };
}

/** 1, 2 and 5 times each power of ten from one to the other. @param {number} from @param {number} to */
function steps(from, to) {
  const found = [];
  for (let power = 10 ** Math.floor(Math.log10(from) + 1e-9); power <= to * 1.001; power *= 10) {
    for (const times of [1, 2, 5]) if (times * power >= from * 0.999 && times * power <= to * 1.001) found.push(tidy(times * power));
  }
  return found;
}

/** @param {number} value */
const isPower = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
/** @param {number} value */
const tidy = (value) => Number(value.toPrecision(3));

/** @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return tidy(power * ([1, 2, 5].find((times) => value <= times * power * (1 + 1e-9)) ?? 10));
}

/** @param {number} value */
function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return tidy(power * ([5, 2].find((times) => value >= times * power * (1 - 1e-9)) ?? 1));
}
