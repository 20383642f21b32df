import { type Check } from "./wire.js";
type Of<C extends Check<unknown>> = ReturnType<C>;
export declare const PAIRWISE = "pairwise";
export declare const SPLIT = "split";
/** Everything that the parties to one secured sum agree on before it starts. */
export declare const Terms: import("./wire.js").Kind<{
    readonly mode: string;
    readonly task: string;
    readonly round: number;
    readonly attempt: number;
    readonly words: number;
    readonly bits: number;
    readonly clients: number;
    readonly minimum: number;
    readonly neighbours: number;
    readonly threshold: number;
    readonly consistency: boolean;
    readonly model: import("../bytes.js").Bytes;
    readonly config: import("../bytes.js").Bytes;
}>;
export type Terms = Of<typeof Terms>;
/** That the authority enrolled a key, by its place in a batch. */
export declare const Certificate: import("./wire.js").Kind<{
    readonly key: import("../bytes.js").Bytes;
    readonly position: number;
    readonly size: number;
    readonly path: import("../bytes.js").Bytes;
    readonly signature: import("../bytes.js").Bytes;
}>;
export type Certificate = Of<typeof Certificate>;
/** That a sum was made, over whose uploads. */
export declare const Receipt: import("./wire.js").Kind<{
    readonly session: import("../bytes.js").Bytes;
    readonly contributors: number;
    readonly total: import("../bytes.js").Bytes;
    readonly uploads: import("../bytes.js").Bytes;
    readonly signature: import("../bytes.js").Bytes;
}>;
export type Receipt = Of<typeof Receipt>;
/** Where in the tree of uploads a client's is, and the proof. */
export declare const Inclusion: import("./wire.js").Kind<{
    readonly position: number;
    readonly proof: import("../bytes.js").Bytes;
}>;
export type Inclusion = Of<typeof Inclusion>;
/** What a client is told when it takes part in a round; the ask is JSON. */
export declare const Invitation: import("./wire.js").Kind<{
    readonly ask: import("../bytes.js").Bytes;
    readonly terms: {
        readonly mode: string;
        readonly task: string;
        readonly round: number;
        readonly attempt: number;
        readonly words: number;
        readonly bits: number;
        readonly clients: number;
        readonly minimum: number;
        readonly neighbours: number;
        readonly threshold: number;
        readonly consistency: boolean;
        readonly model: import("../bytes.js").Bytes;
        readonly config: import("../bytes.js").Bytes;
    };
}>;
/** What a contributor is told at the end. */
export declare const Counted: import("./wire.js").Kind<{
    readonly receipt: {
        readonly session: import("../bytes.js").Bytes;
        readonly contributors: number;
        readonly total: import("../bytes.js").Bytes;
        readonly uploads: import("../bytes.js").Bytes;
        readonly signature: import("../bytes.js").Bytes;
    };
    readonly inclusion: {
        readonly position: number;
        readonly proof: import("../bytes.js").Bytes;
    };
    readonly model: import("../bytes.js").Bytes;
}>;
/** Pairwise mode, step 0: a client's keys for one session. */
export declare const Advert: import("./wire.js").Kind<{
    readonly certificate: {
        readonly key: import("../bytes.js").Bytes;
        readonly position: number;
        readonly size: number;
        readonly path: import("../bytes.js").Bytes;
        readonly signature: import("../bytes.js").Bytes;
    };
    readonly channel: import("../bytes.js").Bytes;
    readonly mask: import("../bytes.js").Bytes;
    readonly signature: import("../bytes.js").Bytes;
}>;
export type Advert = Of<typeof Advert>;
/** Step 1: the roster, as far as it concerns this client. */
export declare const Opening: import("./wire.js").Kind<{
    readonly clients: number;
    readonly root: import("../bytes.js").Bytes;
    readonly beacon: import("../bytes.js").Bytes;
    readonly position: number;
    readonly proof: import("../bytes.js").Bytes;
    readonly neighbours: import("../bytes.js").Bytes[];
    readonly proofs: import("../bytes.js").Bytes[];
}>;
export type Opening = Of<typeof Opening>;
/** Step 3: the boxes of the neighbours that made shares. */
export declare const Delivery: import("./wire.js").Kind<{
    readonly shared: import("../bytes.js").Bytes;
    readonly sealed: import("../bytes.js").Bytes;
}>;
export type Delivery = Of<typeof Delivery>;
/** Step 5: who sent a vector and who vanished. */
export declare const Survivors: import("./wire.js").Kind<{
    readonly alive: import("../bytes.js").Bytes;
    readonly dead: import("../bytes.js").Bytes;
}>;
export type Survivors = Of<typeof Survivors>;
/** Step 5: who consented to the same survivors. */
export declare const Agreement: import("./wire.js").Kind<{
    readonly signers: import("../bytes.js").Bytes;
    readonly signatures: import("../bytes.js").Bytes;
}>;
export type Agreement = Of<typeof Agreement>;
/** The journal's record of the one answer that a client gives in a session. */
export declare const Answered: import("./wire.js").Kind<{
    readonly session: import("../bytes.js").Bytes;
    readonly request: import("../bytes.js").Bytes;
    readonly shares: import("../bytes.js").Bytes;
}>;
export type Answered = Of<typeof Answered>;
export {};
