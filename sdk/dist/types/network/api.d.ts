/** The coordinator's interface: typed calls over HTTPS, made again while it cannot be reached. */
import { type Bytes } from "../bytes.js";
import { HedgerowError } from "../errors.js";
import type { KeyPair } from "../store/identity.js";
/** The public keys, in hexadecimal, of who enrols, of the two servers, and the sealing key. */
export interface Trust {
    authority: string;
    coordinator: string;
    helper: string;
    sealing: string;
}
/** A round to take part in, and the phase to ask for next; or in how many seconds to come again. */
export type CheckedIn = {
    round: string;
    phase: string;
} | {
    later: number;
};
/** The coordinator refuses: a round has failed, or gone on without this client. */
export declare class RefusedError extends HedgerowError {
}
/** What a client has of a coordinator between calls. */
export interface Access {
    /** The deployment's name, once its servers are known to be those that the shop pinned. */
    audience?: string;
    /** Short-lived, from the last login. */
    token?: string | undefined;
}
/** The calls of one client; each of them may be made twice. */
export interface Api {
    /** Redeem a single-use token for a key; return the certificate (CBOR). */
    enrol(token: string, key: KeyPair): Promise<Bytes>;
    checkIn(): Promise<CheckedIn>;
    /** Return what has to be known for a phase of a round, as soon as it is reached. */
    told(round: string, phase: string): Promise<Bytes>;
    /** Send a message of a round; return when it is stored. */
    send(round: string, kind: string, body: Bytes): Promise<void>;
    /** Return the file of a model by its hash. */
    model(name: string): Promise<Bytes>;
}
/**
 * Return the calls to a coordinator.
 *
 * @param coordinator its URL.
 * @param access kept for the next calls.
 * @param key the client's; calls that take a login need it.
 * @param signal ends every call at once.
 */
export declare const apiOf: ({ coordinator, trust }: {
    coordinator: string;
    trust: Trust;
}, access: Access, key: KeyPair | undefined, signal: AbortSignal) => Api;
