import { HedgerowError } from "../errors.js";
import { type Model } from "../models/model.js";
import { type Scorer } from "../models/scorer.js";
/** A model that is ready to score. */
export interface Live {
    model: Model;
    scorer: Scorer;
}
/** Fetches a model, and keeps the last one that could be read. */
export interface ModelSource {
    /** The model; undefined before there is one. */
    readonly live: Live | undefined;
    /**
     * Return the model as soon as there is one; now and then, look behind that whether it changed.
     *
     * @throws HedgerowError `no-model`.
     */
    current(): Promise<Live>;
    /** Look whether there is another model; what goes wrong is told, and the one before stays. */
    look(): Promise<void>;
}
/** Whom a source tells of a new model, and of one that cannot be fetched or read. */
export interface Told {
    changed(): void;
    failed(problem: HedgerowError): void;
}
export declare const modelSource: (url: string, told: Told, signal: AbortSignal) => ModelSource;
