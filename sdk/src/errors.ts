/** What goes wrong, by a code for programs and one sentence for people. */
export class HedgerowError extends Error {
  override readonly name = "HedgerowError";

  constructor(
    readonly code: string,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** What went wrong, as it is told between a page and its worker. */
export interface Problem {
  code: string;
  sentence: string;
}

export const asProblem = (problem: unknown): Problem => {
  const { code, message: sentence } = asError(problem);
  return { code, sentence };
};

/** Return what was thrown as an error of ours; of what is not foreseen, its message. */
export const asError = (problem: unknown): HedgerowError =>
  problem instanceof HedgerowError
    ? problem
    : new HedgerowError("unexpected", problem instanceof Error ? problem.message : String(problem));
