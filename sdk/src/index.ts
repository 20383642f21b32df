/** Hedgerow in the browser: recommendations computed here, and learning without collecting. */
export { HedgerowError } from "./errors.js";
export { Hedgerow } from "./hedgerow.js";
export type { Part } from "./background/messages.js";
export type { Guard } from "./network/promise.js";
export type { Trust } from "./network/api.js";
export type { Options } from "./options.js";
export type { Status } from "./status.js";
export type { Budget } from "./store/budget.js";
export type { Consents, Purpose } from "./store/consent.js";
export type { Released, Sent } from "./store/journal.js";
export type { ConsentControl, Events, Interaction, Reason, Recommendation, RecommendOptions } from "./types.js";
