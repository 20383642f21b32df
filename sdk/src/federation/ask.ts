/** The ask: all that a client is told of a sum, read strictly from the coordinator's JSON. */
import { HedgerowError } from "../errors.js";

export interface Policy {
  readonly epsilon: number | null;
  readonly delta: number | null;
  readonly secure: "pairwise" | "split";
  readonly unit: "user" | "silo";
  readonly clip: number | null;
  readonly minimum: number;
  readonly adversaries: number;
  /** How many clients one person may be at. */
  readonly clients_per_person: number;
  readonly dropouts: number;
  readonly semi_malicious: boolean;
}

/** How terms become integers of a ring, and which noise goes with them. */
export interface Setting {
  readonly policy: Policy;
  readonly noise: { readonly name: string; readonly bound: number; readonly multiplier: number };
  readonly quantizer: { readonly clip: number; readonly scale: number; readonly size: number };
  /** The most units of privacy, and the most clients, in a sum. */
  readonly units: number;
  readonly clients: number;
  /** SHA-256 of the file of the public model, in hexadecimal. */
  readonly model: string;
}

export interface Ask {
  readonly task: string;
  readonly purpose: "step" | "norms" | "evaluation";
  readonly recipe: string;
  readonly delta: number;
  readonly k: number;
  readonly repeats: boolean;
  readonly held_out: boolean;
  readonly setting: Setting;
}

/** An ask, with what the name of the secured sum is a hash of. */
export interface Asked {
  readonly ask: Ask;
  /** The JSON as it was received. */
  readonly json: string;
  /** Policy, noise and quantizer as the coordinator wrote them: 1 and 1.0 are not the same. */
  readonly policy: string;
  readonly numbers: readonly string[];
}

/** The longest list that is judged, the most clients of one person, and the longest term. */
const MOST_PLACES = 1000;
const MOST_CLIENTS = 100;
const LARGEST_BOUND = 1e12;

/** What stands for a capital letter in the form below: a count, flag, number, share or text. */
const PARTS: Record<string, string> = {
  C: String.raw`(?:0|[1-9]\d{0,15})`,
  F: "(?:true|false)",
  N: String.raw`-?\d[\d.e+-]*`,
  S: String.raw`(?:-?\d[\d.e+-]*|null)`,
  T: String.raw`"(?:[^"\\]|\\.)*"`,
};

/** The canonical form: keys in order, nothing between them, nothing left out. */
const FORM =
  `{delta:N,held_out:F,k:C,purpose:"(?:step|norms|evaluation)",recipe:T,repeats:F,` +
  `setting:{clients:C,model:"[0-9a-f]{64}",noise:{bound:(N),multiplier:(N),name:"[a-z\\d/~-]+"},` +
  `policy:({adversaries:N,clients_per_person:C,clip:S,delta:S,dropouts:N,epsilon:S,minimum:C,` +
  `secure:"(?:pairwise|split)",semi_malicious:F,unit:"(?:user|silo)"}),` +
  `quantizer:{clip:(N),scale:(N),size:(C)},units:C},task:T}`;

const pattern = new RegExp(
  `^${FORM.replace(/(\w+):/g, '"$1":').replace(/[A-Z]/g, (letter) => PARTS[letter]!)}$`,
);

/** Read an ask; what is not of the canonical form, or out of range, is refused. */
export function readAsk(json: Uint8Array): Asked {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
    const [, bound, multiplier, policy, clip, scale, size] = pattern.exec(text)!;
    const ask: Ask = JSON.parse(text);
    if (!fits(ask)) throw 0;
    const numbers = [bound!, multiplier!, clip!, scale!, size!];
    return { ask, json: text, policy: policy!, numbers };
  } catch {
    throw new HedgerowError(
      "bad-ask",
      "What the coordinator asks for cannot be read; update Hedgerow here or there.",
    );
  }
}

function fits({ k, setting }: Ask): boolean {
  const { policy, noise, quantizer, units, clients } = setting;
  const { epsilon, delta, unit, clients_per_person, clip, minimum, adversaries, dropouts } = policy;
  return (
    k >= 1 &&
    k <= MOST_PLACES &&
    clients_per_person >= 1 &&
    clients_per_person <= (unit === "user" ? MOST_CLIENTS : 1) &&
    (epsilon === null ? delta === null : epsilon >= 1e-4 && epsilon <= 1e6) &&
    (delta === null || (delta > 0 && delta < 1)) &&
    (clip === null || above0(clip)) &&
    minimum >= 2 &&
    Math.min(adversaries, dropouts, noise.multiplier) >= 0 &&
    adversaries + dropouts < 1 &&
    [noise.bound, quantizer.clip, quantizer.scale, quantizer.size, units, clients].every(above0) &&
    (epsilon === null ? noise.multiplier === 0 : noise.multiplier < Infinity) &&
    noise.bound <= LARGEST_BOUND &&
    quantizer.clip * quantizer.scale <= 2 ** 46
  );
}

const above0 = (value: number): boolean => value > 0 && value < Infinity;
