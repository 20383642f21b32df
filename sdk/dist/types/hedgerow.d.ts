import { type Options } from "./options.js";
import { type Status } from "./status.js";
import type { ConsentControl, Events, Interaction, Reason, Recommendation, RecommendOptions } from "./types.js";
/** Recommendations from what this browser alone knows, and taking part in learning from it. */
export declare class Hedgerow extends EventTarget {
    #private;
    /** What the visitor agrees to. */
    readonly consent: ConsentControl;
    /**
     * Fetch the model and read what is stored of the visitor; nothing is stored or sent by that.
     *
     * @throws HedgerowError `bad-options`.
     */
    static create(options: Options): Promise<Hedgerow>;
    private constructor();
    /**
     * Record what the visitor did; the next recommendation takes it into account.
     *
     * @param kind such as `view`, `basket` or `purchase`.
     * @param item its id; one that the model does not know is kept for a later model.
     * @returns false where nothing was recorded, as the visitor has agreed to nothing.
     * @throws HedgerowError `bad-item`.
     */
    track(kind: string, item: string): Promise<boolean>;
    /**
     * Recommend to the visitor; from an empty history until they agree to `recommend`.
     *
     * @throws HedgerowError `no-model`: none could be fetched yet.
     */
    recommend({ filter, ...wishes }?: RecommendOptions): Promise<Recommendation[]>;
    /**
     * Say which of the visitor's own items speak for an item, the most first.
     *
     * @throws HedgerowError `no-model`; `bad-item`: the model does not know the item.
     */
    explain(item: string): Promise<Reason[]>;
    /**
     * Take part in the background from now on, while the visitor agrees to that.
     *
     * @throws HedgerowError `bad-options`: no coordinator was named.
     */
    participate(): void;
    /** Return what the visitor did and is stored here, the newest last. */
    history(): Interaction[];
    /** Say what is stored here, what has left, and what it has cost. */
    status(): Promise<Status>;
    /**
     * Erase all that is stored in this browser: history, consent, key, journal and models.
     *
     * @throws HedgerowError `not-erased`.
     */
    forget(): Promise<void>;
    /** End all that this page does in the background. */
    close(): void;
    /** Listen to what happens; the event's `detail` says what. */
    on<T extends keyof Events>(type: T, listener: (detail: Events[T]) => void): void;
}
