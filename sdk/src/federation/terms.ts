/** What the parties to a secured sum agree on, as it follows from what is asked. */
import { unhex, utf8 } from "../bytes.js";
import { HedgerowError } from "../errors.js";
import { sha256 } from "../secure/crypto.js";
import type { Terms } from "../secure/messages.js";
import { chooseNeighbours } from "../secure/parameters.js";
import type { Asked } from "./ask.js";
import { planOf } from "./setting.js";

/** Return the terms of an attempt; equal to those of Python's `Ask.terms`. */
export async function termsOf(asked: Asked, attempt: number): Promise<Terms> {
  const { ask, json, policy, numbers } = asked;
  const { setting } = ask;
  const { secure, adversaries, dropouts, semi_malicious } = setting.policy;
  const { noise, quantizer, clients, model } = setting;
  const { bits, minimum } = planOf(setting);
  if (minimum > clients)
    throw new HedgerowError("bad-terms", "So few clients cannot keep what is promised.");
  const pairwise = secure === "pairwise";
  const assumed = { adversaries, dropouts, semiMalicious: semi_malicious };
  // The texts of Python's dataclasses, which the coordinator hashes.
  const [bound, multiplier, clip, scale, size] = numbers;
  const described =
    `(Noise(name='${noise.name}', bound=${bound}, multiplier=${multiplier}), ` +
    `Quantizer(clip=${clip}, scale=${scale}, size=${size}))`;
  return {
    mode: secure,
    task: noise.name,
    round: 0,
    attempt,
    words: quantizer.size + 1,
    bits,
    clients,
    minimum,
    ...(pairwise ? chooseNeighbours(clients, assumed) : { neighbours: 0, threshold: 0 }),
    consistency: pairwise && semi_malicious,
    model: unhex(model),
    config: await sha256(await sha256(utf8(policy)), utf8(described + json)),
  };
}
