/** Messages on the wire: what each part may hold, and maps of such parts. */
import type { Bytes } from "../bytes.js";
import { type Value } from "./cbor.js";
/** Gives a value as what it has to be, or refuses it with `bad-message`. */
export type Check<T> = (value: Value | undefined) => T;
/** A structure: by itself a message that says its type, inside another only its fields. */
export type Kind<T> = (value: Value | undefined, whole?: boolean) => T;
type Fields = Record<string, Check<unknown>>;
type Found<S extends Fields> = {
    readonly [K in keyof S]: ReturnType<S[K]>;
};
/** A whole number; those beyond 2**53 - 1, of which no honest message has need, are refused. */
export declare const whole: Check<number>;
export declare const flag: Check<boolean>;
export declare const text: Check<string>;
/** Bytes whose length is in bounds, both included. */
export declare const bytes: (least?: number, most?: number) => Check<Bytes>;
export declare const list: <T>(item: Check<T>) => Check<T[]>;
/** The map of some fields, complete and nothing else; `sound` refuses what contradicts itself. */
export declare const record: <S extends Fields>(type: string, fields: S, sound?: (found: Found<S>) => void) => Kind<Found<S>>;
/** A message's one encoding. */
export declare const toWire: (type: string, fields: object) => Bytes;
/** The message that some bytes hold; refuses `bad-encoding` and `bad-message`. */
export declare const fromWire: <T>(kind: Kind<T>, data: Bytes) => T;
export {};
