/** The messages that a client reads; see protocol/messages.cddl and protocol/network.cddl. */
import { insist } from "../insist.js";
import { type Check, bytes, flag, list, record, text, whole } from "./wire.js";

const key32 = /* @__PURE__ */ bytes(32, 32);
const signature64 = /* @__PURE__ */ bytes(64, 64);
const path = /* @__PURE__ */ bytes(0, 2048);
const some = /* @__PURE__ */ bytes();

type Of<C extends Check<unknown>> = ReturnType<C>;

export const PAIRWISE = "pairwise";
export const SPLIT = "split";

/** Everything that the parties to one secured sum agree on before it starts. */
export const Terms = /* @__PURE__ */ record(
  "terms",
  {
    mode: text,
    task: text,
    round: whole,
    attempt: whole,
    words: whole,
    bits: whole,
    clients: whole,
    minimum: whole,
    neighbours: whole,
    threshold: whole,
    consistency: flag,
    model: key32,
    config: key32,
  },
  (terms) => {
    const { mode, words, bits, clients, minimum, neighbours, threshold, consistency } = terms;
    const sound =
      words >= 2 &&
      bits >= 16 &&
      bits <= 64 &&
      minimum >= 2 &&
      minimum <= clients &&
      (mode === PAIRWISE
        ? threshold >= 1 &&
          threshold <= neighbours &&
          neighbours < clients &&
          clients <= 1 << 20 &&
          (neighbours === clients - 1 || neighbours % 2 === 0)
        : mode === SPLIT && !neighbours && !threshold && !consistency);
    insist(sound, "bad-terms");
  },
);
export type Terms = Of<typeof Terms>;

/** That the authority enrolled a key, by its place in a batch. */
export const Certificate = /* @__PURE__ */ record("certificate", {
  key: key32,
  position: whole,
  size: whole,
  path,
  signature: signature64,
});
export type Certificate = Of<typeof Certificate>;

/** That a sum was made, over whose uploads. */
export const Receipt = /* @__PURE__ */ record("receipt", {
  session: key32,
  contributors: whole,
  total: key32,
  uploads: key32,
  signature: signature64,
});
export type Receipt = Of<typeof Receipt>;

/** Where in the tree of uploads a client's is, and the proof. */
export const Inclusion = /* @__PURE__ */ record("inclusion", { position: whole, proof: path });
export type Inclusion = Of<typeof Inclusion>;

/** What a client is told when it takes part in a round; the ask is JSON. */
export const Invitation = /* @__PURE__ */ record("invitation", { ask: some, terms: Terms });

/** What a contributor is told at the end. */
export const Counted = /* @__PURE__ */ record("counted", {
  receipt: Receipt,
  inclusion: Inclusion,
  model: key32,
});

/** Pairwise mode, step 0: a client's keys for one session. */
export const Advert = /* @__PURE__ */ record("advert", {
  certificate: Certificate,
  channel: key32,
  mask: key32,
  signature: signature64,
});
export type Advert = Of<typeof Advert>;

/** Step 1: the roster, as far as it concerns this client. */
export const Opening = /* @__PURE__ */ record("opening", {
  clients: whole,
  root: key32,
  beacon: key32,
  position: whole,
  proof: path,
  neighbours: list(some),
  proofs: list(path),
});
export type Opening = Of<typeof Opening>;

/** Step 3: the boxes of the neighbours that made shares. */
export const Delivery = /* @__PURE__ */ record("delivery", { shared: some, sealed: some });
export type Delivery = Of<typeof Delivery>;

/** Step 5: who sent a vector and who vanished. */
export const Survivors = /* @__PURE__ */ record("survivors", { alive: some, dead: some });
export type Survivors = Of<typeof Survivors>;

/** Step 5: who consented to the same survivors. */
export const Agreement = /* @__PURE__ */ record("agreement", { signers: some, signatures: some });
export type Agreement = Of<typeof Agreement>;

/** The journal's record of the one answer that a client gives in a session. */
export const Answered = /* @__PURE__ */ record("answered", {
  session: key32,
  request: key32,
  shares: some,
});
export type Answered = Of<typeof Answered>;
