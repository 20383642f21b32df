/** The banner that asks for consent, with a refusal as near as an agreement. */
import { element } from "./page.js";

/** @typedef {import("../../../../sdk/dist/types/index.js").Hedgerow} Shopper */

/** Which text was agreed to. */
const VERSION = "1";

/** Under which a refusal is remembered, in this tab and no longer. */
const REFUSED = "consent-refused";

export const ALL = { recommend: true, train: true, measure: true };
export const NONE = { recommend: false, train: false, measure: false };

/**
 * Note what the visitor agrees to. A refusal leaves nothing but that this tab need not ask again.
 *
 * @param {Shopper} hedgerow
 * @param {Partial<typeof ALL>} choice
 */
export const choose = async (hedgerow, choice) => {
  await hedgerow.consent.set(choice, VERSION);
  if (Object.values(hedgerow.consent.get()).some(Boolean)) sessionStorage.removeItem(REFUSED);
  else sessionStorage.setItem(REFUSED, "yes");
  element("consent").hidden = true;
};

/**
 * Ask, unless the visitor has answered already.
 *
 * @param {Shopper} hedgerow
 */
export const askForConsent = (hedgerow) => {
  const agreed = Object.values(hedgerow.consent.get()).some(Boolean);
  if (agreed || sessionStorage.getItem(REFUSED)) return;
  const form = /** @type {HTMLFormElement} */ (element("consent-form"));
  const purposes = element("purposes");
  element("refuse").addEventListener("click", () => choose(hedgerow, NONE));
  element("agree").addEventListener("click", () => choose(hedgerow, ALL));
  element("choose").addEventListener("click", () => {
    purposes.hidden = false;
    element("choose").hidden = true;
    element("save").hidden = false;
    purposes.querySelector("input")?.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    void choose(hedgerow, {
      recommend: chosen.has("recommend"),
      train: chosen.has("train"),
      measure: chosen.has("measure"),
    });
  });
  element("consent").hidden = false;
};
