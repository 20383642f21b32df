/** The facade: all that a shop's page calls. */
import { type Background, backgroundOf } from "./background/background.js";
import { HedgerowError } from "./errors.js";
import { explain } from "./models/explain.js";
import { type History, historyOf } from "./models/history.js";
import type { Model } from "./models/model.js";
import { recommend } from "./models/ranking.js";
import { type ModelSource, modelSource } from "./network/live-model.js";
import { checked, type Options } from "./options.js";
import { type Status, statusOf } from "./status.js";
import { allowsHistory, PURPOSES, type Purpose } from "./store/consent.js";
import { openVisitor, type Visitor } from "./store/visitor.js";
import type { ConsentControl, Events, Interaction, Reason, Recommendation, RecommendOptions } from "./types.js";

const LONGEST_ID = 256;

/** Recommendations from what this browser alone knows, and taking part in learning from it. */
export class Hedgerow extends EventTarget {
  /** What the visitor agrees to. */
  readonly consent: ConsentControl = {
    get: () => {
      const { consents } = this.#visitor;
      const given = PURPOSES.map((purpose) => [purpose, purpose in consents]);
      return Object.fromEntries(given) as Record<Purpose, boolean>;
    },
    set: (changes, version = "1") => this.#visitor.agree(changes, version),
  };

  readonly #options: Options;
  readonly #background: Background | undefined;
  readonly #source: ModelSource;
  readonly #closing = new AbortController();
  #visitor!: Visitor;

  /**
   * Fetch the model and read what is stored of the visitor; nothing is stored or sent by that.
   *
   * @throws HedgerowError `bad-options`.
   */
  static async create(options: Options): Promise<Hedgerow> {
    const made = new Hedgerow(options);
    made.#visitor = await openVisitor(options.task, {
      changed: (what) => {
        if (what === "consent") made.#consented();
        made.#tell("change", what);
      },
      failed: (problem) => made.#tell("error", problem),
    });
    made.#consented();
    await made.#source.look();
    return made;
  }

  private constructor(options: Options) {
    super();
    const taking = checked(options);
    this.#options = options;
    const failed = (problem: HedgerowError): void => this.#tell("error", problem);
    const changed = (): void => this.#tell("change", "model");
    this.#source = modelSource(options.model, { changed, failed }, this.#closing.signal);
    this.#background =
      taking &&
      backgroundOf(options.task, taking, {
        contributed: (part) => this.#tell("round", part),
        failed,
      });
  }

  /**
   * Record what the visitor did; the next recommendation takes it into account.
   *
   * @param kind such as `view`, `basket` or `purchase`.
   * @param item its id; one that the model does not know is kept for a later model.
   * @returns false where nothing was recorded, as the visitor has agreed to nothing.
   * @throws HedgerowError `bad-item`.
   */
  async track(kind: string, item: string): Promise<boolean> {
    for (const text of [kind, item]) {
      if (typeof text !== "string" || !text.trim() || text.length > LONGEST_ID) {
        const sentence = `Kinds and ids are texts of 1 to ${LONGEST_ID} characters.`;
        throw new HedgerowError("bad-item", sentence);
      }
    }
    const { consents, history } = this.#visitor;
    if (!allowsHistory(consents)) return false;
    // The visitor's latest, whatever the clock says.
    const time = Math.max(Math.floor(Date.now() / 1000), history.at(-1)?.time ?? 0);
    const weight = this.#options.weights?.[kind];
    await this.#visitor.add({ item, kind, time, ...(weight !== undefined && { weight }) });
    return true;
  }

  /**
   * Recommend to the visitor; from an empty history until they agree to `recommend`.
   *
   * @throws HedgerowError `no-model`: none could be fetched yet.
   */
  async recommend({ filter, ...wishes }: RecommendOptions = {}): Promise<Recommendation[]> {
    const { model, scorer } = await this.#source.current();
    const ranked = recommend(scorer, this.#known(model), {
      ...wishes,
      ...(filter && { filter: (item) => filter(model.items[item]!) }),
    });
    return ranked.map(({ item, score }, place) => ({
      ...named(model, item),
      score,
      rank: place + 1,
    }));
  }

  /**
   * Say which of the visitor's own items speak for an item, the most first.
   *
   * @throws HedgerowError `no-model`; `bad-item`: the model does not know the item.
   */
  async explain(item: string): Promise<Reason[]> {
    const { model, scorer } = await this.#source.current();
    const number = model.numbers.get(item);
    if (number === undefined) throw new HedgerowError("bad-item", "The model lacks this item.");
    const shares = explain(scorer, this.#known(model), number);
    return shares.map(({ item: own, share }) => ({ ...named(model, own), share }));
  }

  /**
   * Take part in the background from now on, while the visitor agrees to that.
   *
   * @throws HedgerowError `bad-options`: no coordinator was named.
   */
  participate(): void {
    if (!this.#background) {
      throw new HedgerowError("bad-options", "Name the coordinator to take part.");
    }
    this.#background.begin();
  }

  /** Return what the visitor did and is stored here, the newest last. */
  history(): Interaction[] {
    return this.#visitor.history.map(({ item, kind, time }) => ({ item, kind, time }));
  }

  /** Say what is stored here, what has left, and what it has cost. */
  async status(): Promise<Status> {
    const { history } = this.#visitor;
    const numbers = this.#source.live?.model.numbers;
    return {
      ...(await statusOf(this.#visitor)),
      interactions: history.length,
      known: history.filter(({ item }) => numbers?.has(item)).length,
      participating: this.#background?.running ?? false,
      where: this.#background?.where ?? null,
    };
  }

  /**
   * Erase all that is stored in this browser: history, consent, key, journal and models.
   *
   * @throws HedgerowError `not-erased`.
   */
  forget(): Promise<void> {
    return this.#visitor.forget();
  }

  /** End all that this page does in the background. */
  close(): void {
    this.#background?.end();
    this.#closing.abort();
    this.#visitor.close();
  }

  /** Listen to what happens; the event's `detail` says what. */
  on<T extends keyof Events>(type: T, listener: (detail: Events[T]) => void): void {
    this.addEventListener(type, (event) => listener((event as CustomEvent<Events[T]>).detail));
  }

  /** Pass on what is agreed to, once it is known. */
  #consented(): void {
    if (this.#visitor) this.#background?.consented(this.#visitor.consents);
  }

  #known(model: Model): History {
    const { consents, history } = this.#visitor;
    return historyOf(model, consents.recommend ? history : []);
  }

  /** Tell listeners, a moment later: who has just made the object shall hear of it, too. */
  #tell<T extends keyof Events>(type: T, detail: Events[T]): void {
    setTimeout(() => this.dispatchEvent(new CustomEvent(type, { detail })));
  }
}

const named = (model: Model, item: number): { item: string; title: string } => ({
  item: model.items[item]!,
  title: model.titles[item]!,
});
