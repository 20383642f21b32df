/** A client of one secured sum in pairwise mode; it never goes back and answers once. */
import { type Bytes, equal } from "../../bytes.js";
import { insist } from "../../insist.js";
import type { Words } from "../../noise/ring.js";
import { type Random, randomBytes } from "../../noise/stream.js";
import { checkFloor, type Floor } from "../floor.js";
import {
  Agreement,
  type Answered,
  Delivery,
  type Inclusion,
  Opening,
  PAIRWISE,
  type Receipt,
  Survivors,
  type Terms,
} from "../messages.js";
import { checkReceipt, type Identity, sid } from "../session.js";
import { fromWire, toWire } from "../wire.js";
import {
  answer,
  answerAgain,
  checkAgreement,
  checkSurvivors,
  consentToSign,
  requestOf,
} from "./revealing.js";
import { advertise, type Advertised, share, type Shared } from "./sharing.js";
import { mask, type Uploaded } from "./uploading.js";

/**
 * One client's part in one sum, in messages as they are on the wire. Each step hands its secrets on
 * to the next and forgets the rest; a message that breaks the protocol ends the session for good.
 */
export interface PairwiseClient {
  /** Step 0: the `advert`. */
  advertise(): Promise<Bytes>;
  /** Step 2: the `shares`, after the roster is checked. */
  share(opening: Bytes): Promise<Bytes>;
  /** Step 4: the `masked` vector, given its words without the count of contributors. */
  mask(delivery: Bytes, words: Words): Promise<Bytes>;
  /** Step 5: the `consent`, where the terms ask for consistency. */
  consent(survivors: Bytes): Promise<Bytes>;
  /** Step 6: the `reveal`, after the journal has recorded it; the same again to the same. */
  reveal(survivors: Bytes, agreement?: Bytes): Promise<Bytes>;
  /** Step 7: whether the receipt counts this client's vector in. */
  checkReceipt(receipt: Receipt, inclusion: Inclusion, server: Bytes): Promise<void>;
}

interface Consented {
  readonly kept: Uploaded;
  readonly request: Bytes;
}

interface Done {
  readonly answered: Answered;
  readonly digest: Bytes;
}

type Stages = {
  start: true;
  advertised: Advertised;
  shared: Shared;
  uploaded: Uploaded;
  consented: Consented;
  done: Done;
};
type Name = keyof Stages;

/**
 * A client that takes part. `authority` is the enrolment authority's Ed25519 key, `journal` puts a
 * record of the one answer where a crash does not reach it. Refuses what `checkFloor` refuses.
 */
export function pairwiseClient(
  terms: Terms,
  floor: Floor,
  identity: Identity,
  authority: Bytes,
  journal: (answered: Bytes) => Promise<void>,
  random: Random = randomBytes,
): PairwiseClient {
  insist(terms.mode === PAIRWISE, "weak-mode");
  checkFloor(floor, terms);
  let stage: Partial<Stages> = { start: true };
  // What the last step kept is kept no longer: the step succeeds or all ends.
  const take = <N extends Name>(name: N): Stages[N] => {
    const kept = stage[name];
    insist(kept, "wrong-step");
    stage = {};
    return kept;
  };
  const agreed = async (survivors: Survivors, agreement?: Agreement): Promise<Uploaded> => {
    if (!terms.consistency) return take("uploaded");
    const { kept, request } = take("consented");
    insist(agreement && equal(await requestOf(survivors), request), "no-agreement");
    await checkAgreement(terms, kept, survivors, agreement);
    return kept;
  };
  return {
    async advertise() {
      take("start");
      const advertised = await advertise(terms, identity, random);
      stage = { advertised };
      return advertised.advert;
    },
    async share(data) {
      const opening = fromWire(Opening, data);
      const kept = take("advertised");
      checkFloor(floor, terms, opening.clients);
      const [shared, message] = await share(terms, kept, opening, authority, random);
      stage = { shared };
      return message;
    },
    async mask(data, words) {
      const delivery = fromWire(Delivery, data);
      const [uploaded, message] = await mask(terms, take("shared"), delivery, words, identity);
      stage = { uploaded };
      return message;
    },
    async consent(data) {
      const survivors = fromWire(Survivors, data);
      const kept = take("uploaded");
      checkSurvivors(terms, kept, survivors);
      const request = await requestOf(survivors);
      const signature = await identity.signer.sign(consentToSign(kept.near.view, request));
      stage = { consented: { kept, request } };
      return toWire("consent", { signature });
    },
    async reveal(data, agreement) {
      const survivors = fromWire(Survivors, data);
      const heard = agreement && fromWire(Agreement, agreement);
      if (!stage.done) {
        const kept = await agreed(survivors, heard);
        const answered = await answer(terms, kept, survivors);
        await journal(toWire("answered", answered));
        stage = { done: { answered, digest: kept.digest } };
      }
      return answerAgain(stage.done!.answered, survivors);
    },
    async checkReceipt(receipt, inclusion, server) {
      insist(stage.done, "wrong-step");
      await checkReceipt(receipt, inclusion, server, await sid(terms), stage.done.digest);
    },
  };
}
