/** The types of the public interface. */
import type { Part } from "./background/messages.js";
import type { HedgerowError } from "./errors.js";
import type { Purpose } from "./store/consent.js";

/** What the visitor did, and when, in whole seconds since 1970. */
export interface Interaction {
  item: string;
  kind: string;
  time: number;
}

/** An item for the visitor; only the order of scores within one list means anything. */
export interface Recommendation {
  item: string;
  title: string;
  score: number;
  rank: number;
}

/** How much one of the visitor's own items adds to an item's score. */
export interface Reason {
  item: string;
  title: string;
  share: number;
}

export interface RecommendOptions {
  /** How many; 10 by default. */
  k?: number;
  /** Which items are wanted, such as those in stock. */
  filter?: (item: string) => boolean;
  /** From 0 (by score alone) to 1 (by how little items are alike). */
  diversify?: number;
  /** Whether items of the history may come again. */
  repeats?: boolean;
}

/** What listeners are told as the event's `detail`, by its type. */
export interface Events {
  /** What has changed, here or in another tab: `history`, `consent` or `model`. */
  change: "history" | "consent" | "model";
  /** This browser has contributed to a round. */
  round: Part;
  /** Something went wrong in the background; recommending goes on. */
  error: HedgerowError;
}

/** What is agreed to, by purpose. */
export interface ConsentControl {
  get(): Record<Purpose, boolean>;
  /**
   * Note what the visitor agrees to from now on (true), and no longer does (false); purposes left
   * out stay as they are. It counts at once; the promise is kept when it is also stored.
   *
   * @param version of the text that was agreed to.
   */
  set(changes: Partial<Record<Purpose, boolean>>, version?: string): Promise<void>;
}
