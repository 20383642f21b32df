/**
 * What a model's file may hold. All of it is checked before a history is opened: a value by which the
 * computing fails, or takes longer, where a history holds its item would tell who holds it.
 */
import type { Tensor } from "./safetensors.js";
type Options = Readonly<Record<string, any>>;
export declare const KNOWN: string[];
/** Return what is not as the recipe declares it; nothing where all is sound. */
export declare function unsound(name: string, options: Options, round: number, m: number, arrays: ReadonlyMap<string, Tensor>): string | undefined;
/** Whether ids and titles are distinct texts, and as many. */
export declare const isCatalog: (items: unknown[], titles: unknown[]) => boolean;
export {};
