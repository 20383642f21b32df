/** Merkle trees' proofs of inclusion (RFC 9162, section 2.1), over SHA-256. */
import type { Bytes } from "../bytes.js";
/** The hash of one entry; its prefix keeps it apart from those of inner nodes. */
export declare const leaf: (...entry: readonly Bytes[]) => Promise<Bytes>;
/** The root of the tree in which a leaf has a place; refuses with `bad-proof` what cannot be. */
export declare function rootOf(entry: Bytes, position: number, size: number, proof: Bytes): Promise<Bytes>;
