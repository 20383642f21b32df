/** Every page: the visitor's consent, the row "For you", the basket, and what is tracked. */
import { Hedgerow } from "/hedgerow/hedgerow.js";
import { watchBasket } from "./basket.js";
import { askForConsent } from "./consent.js";
import { showForYou } from "./for-you.js";

/** @typedef {import("../../../../sdk/dist/types/index.js").Hedgerow} Shopper */

/** How much an interaction counts, to models that weigh them. */
const WEIGHTS = { view: 1, basket: 2, purchase: 3 };

/** Ask the shop's server for a single-use token, once the visitor agrees to take part. */
const enrol = async () => {
  const answer = await fetch("/hedgerow/token", { method: "POST" });
  if (!answer.ok) throw new Error("The shop gives no token now.");
  return (await answer.json()).token;
};

/** Show on every page whether anything is kept, and whether this browser takes part. */
const markKnown = (/** @type {Shopper} */ hedgerow) => {
  const link = document.getElementById("knows");
  const { recommend, train, measure } = hedgerow.consent.get();
  link?.classList.toggle("keeps", recommend || train || measure);
  link?.classList.toggle("shares", train || measure);
};

/** Track the product that this page is about, once, as soon as that is agreed to. */
const viewer = (/** @type {Shopper} */ hedgerow) => {
  const shown = /** @type {HTMLElement | null} */ (document.querySelector("[data-product]"));
  let seen = false;
  return async () => {
    if (shown && !seen) seen = await hedgerow.track("view", String(shown.dataset.product));
  };
};

const settings = await (await fetch("/hedgerow/settings.json")).json();
const hedgerow = await Hedgerow.create({ ...settings, weights: WEIGHTS, enrol });
const view = viewer(hedgerow);
for (const element of document.querySelectorAll("[data-scripted]")) {
  element.removeAttribute("hidden");
}
await view();
markKnown(hedgerow);
askForConsent(hedgerow);
watchBasket(hedgerow);
hedgerow.on("change", (what) => {
  if (what !== "consent") return;
  markKnown(hedgerow);
  void view();
});
hedgerow.participate();
await showForYou(hedgerow);
if (document.getElementById("panel")) {
  const { showPanel } = await import("./panel.js");
  await showPanel(hedgerow);
}
