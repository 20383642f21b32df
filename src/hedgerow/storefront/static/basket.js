/** The basket: forms that work by themselves, and faster with this. */
import { element, say } from "./page.js";

/** @typedef {import("../../../../sdk/dist/types/index.js").Hedgerow} Shopper */

/**
 * Put things into the basket without leaving the page, and track baskets and purchases.
 *
 * @param {Shopper} hedgerow
 */
export const watchBasket = (hedgerow) => {
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.id === "checkout") {
      event.preventDefault();
      void buy(hedgerow, form);
    } else if (form.dataset.add) {
      event.preventDefault();
      void add(hedgerow, form, form.dataset.add);
    }
  });
};

/**
 * @param {Shopper} hedgerow
 * @param {HTMLFormElement} form
 * @param {string} item
 */
const add = async (hedgerow, form, item) => {
  const body = new URLSearchParams({ item, change: "1" });
  const answer = await fetch(form.action, {
    method: "POST",
    body,
    headers: { accept: "application/json" },
  }).catch(() => undefined);
  if (!answer?.ok) {
    say("The shop does not answer; try again.");
    return;
  }
  element("basket-count").textContent = String((await answer.json()).count);
  say("In the basket");
  await hedgerow.track("basket", item);
};

/**
 * Note what is bought, then send the form as it is.
 *
 * @param {Shopper} hedgerow
 * @param {HTMLFormElement} form
 */
const buy = async (hedgerow, form) => {
  const lines = document.querySelectorAll("[data-item]");
  for (const line of lines) await hedgerow.track("purchase", String(line.getAttribute("data-item")));
  form.submit();
};
