/** What the visitor may see: what is stored here, what has left, and what it has cost. */
import type { Where } from "./background/messages.js";
import type { Consents } from "./store/consent.js";
import { type Released, type Sent, readReleases, readSent } from "./store/journal.js";
import { type Budget, readBudget } from "./store/budget.js";
import type { Visitor } from "./store/visitor.js";

/** What is stored here and what has left, for a page that shows it to the visitor. */
export interface Status {
  /** Whether what is known outlives this page. */
  lasting: boolean;
  /** What is agreed to, since when, and to which version of the text. */
  consents: Consents;
  /** How many interactions are stored here, and how many of their items the model knows. */
  interactions: number;
  known: number;
  /** Whether this tab takes part at the moment, or would if another did not. */
  participating: boolean;
  /** Where it does: in a worker or, where that is refused, on the page; null where another tab does. */
  where: Where | null;
  /** Every message that has left this browser, oldest first. */
  sent: Sent[];
  /** Every release that was contributed to, and how far. */
  releases: Released[];
  /** What the releases together have cost; null before the first. */
  budget: Budget | null;
}

/** Return all but what only the facade knows. */
export const statusOf = async (
  visitor: Visitor,
): Promise<Omit<Status, "interactions" | "known" | "participating" | "where">> => {
  const found = await visitor.read((database) =>
    database.run(["sent", "releases", "values"], "readonly", async (transaction) => ({
      sent: await readSent(transaction),
      releases: await readReleases(transaction),
      budget: await readBudget(transaction),
    })),
  );
  const { lasting, consents } = visitor;
  return { lasting, consents, ...(found ?? { sent: [], releases: [], budget: null }) };
};
