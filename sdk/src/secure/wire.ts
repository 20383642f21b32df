/** Messages on the wire: what each part may hold, and maps of such parts. */
import type { Bytes } from "../bytes.js";
import { insist } from "../insist.js";
import { decode, encode, type Value } from "./cbor.js";

/** Gives a value as what it has to be, or refuses it with `bad-message`. */
export type Check<T> = (value: Value | undefined) => T;

/** A structure: by itself a message that says its type, inside another only its fields. */
export type Kind<T> = (value: Value | undefined, whole?: boolean) => T;

type Fields = Record<string, Check<unknown>>;
type Found<S extends Fields> = { readonly [K in keyof S]: ReturnType<S[K]> };

/** A check that a value passes or does not. */
const being =
  <T extends Value>(fits: (value: Value | undefined) => boolean): Check<T> =>
  (value) => {
    insist(fits(value), "bad-message");
    return value as T;
  };

/** A whole number; those beyond 2**53 - 1, of which no honest message has need, are refused. */
export const whole = /* @__PURE__ */ being<number>(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);

export const flag = /* @__PURE__ */ being<boolean>((value) => typeof value === "boolean");

export const text = /* @__PURE__ */ being<string>((value) => typeof value === "string");

/** Bytes whose length is in bounds, both included. */
export const bytes = (least = 0, most = Infinity): Check<Bytes> =>
  being(
    (value) => value instanceof Uint8Array && value.length >= least && value.length <= most,
  );

const array = /* @__PURE__ */ being<Value[]>(Array.isArray);

export const list =
  <T>(item: Check<T>): Check<T[]> =>
  (value) =>
    array(value).map((each) => item(each));

/** The map of some fields, complete and nothing else; `sound` refuses what contradicts itself. */
export const record =
  <S extends Fields>(
    type: string,
    fields: S,
    sound?: (found: Found<S>) => void,
  ): Kind<Found<S>> =>
  (value, whole = false) => {
    const names = Object.keys(fields);
    const fits = value instanceof Map && value.size === names.length + Number(whole);
    insist(fits && (!whole || value.get("type") === type), "bad-message");
    const read = names.map((name) => [name, fields[name]!(value.get(name))]);
    const found = Object.fromEntries(read) as Found<S>;
    sound?.(found);
    return found;
  };

/** A message's one encoding. */
export const toWire = (type: string, fields: object): Bytes => encode({ ...fields, type });

/** The message that some bytes hold; refuses `bad-encoding` and `bad-message`. */
export const fromWire = <T>(kind: Kind<T>, data: Bytes): T => kind(decode(data), true);
