// The types of events, by what they are about.

/** @typedef {NonNullable<import("../types.js").Schemas["EndpointBody"]["types"]>[number]} EventType */

/** @type {[group: string, types: EventType[]][]} */
export const EVENTS = [
  ["batch", ["batch.new", "batch.validating", "batch.active", "batch.errors", "batch.source_error", "batch.unknown", "batch.missing", "batch.stuck", "batch.unstuck"]],
  ["watch", ["watch.expired"]],
  ["account", ["account.refused", "account.recovered"]],
  ["endpoint", ["endpoint.failing", "endpoint.disabled", "endpoint.recovered"]],
  ["delivery", ["delivery.exhausted"]],
];
