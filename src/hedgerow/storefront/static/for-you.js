/** The row "For you": recommended here, drawn here, and asked of nobody. */
import { catalog, drawn, pounds, tint } from "./catalog.js";
import { element, make } from "./page.js";

/** @typedef {import("../../../../sdk/dist/types/index.js").Hedgerow} Shopper */
/** @typedef {import("./catalog.js").Catalog} Catalog */
/** @typedef {import("./catalog.js").Product} Product */

const LENGTH = 12;
const REASONS = 3;

/** How much variety there is, of 1. */
const VARIETY = 0.25;

/** @type {Map<string, HTMLElement>} Cards by item, so that those that stay are not drawn again. */
const cards = new Map();

/** Which rendering is the last; earlier ones that end later are let go of. */
let turn = 0;

/**
 * Show the row, and again whenever there is something new to go by.
 *
 * @param {Shopper} hedgerow
 */
export const showForYou = async (hedgerow) => {
  if (!document.getElementById("for-you")) return;
  hedgerow.on("change", () => void render(hedgerow));
  await render(hedgerow);
};

/** @param {Shopper} hedgerow */
const render = async (hedgerow) => {
  const own = (turn += 1);
  const known = await catalog();
  const shown = document.querySelector("[data-product]")?.getAttribute("data-product");
  const filter = (/** @type {string} */ item) => item !== shown && known.products.has(item);
  let found;
  try {
    found = await hedgerow.recommend({ k: LENGTH, diversify: VARIETY, filter });
  } catch {
    return; // There is no model yet: the next change brings one.
  }
  const { interactions } = await hedgerow.status();
  if (own !== turn) return;
  element("for-you-note").textContent = noteOf(hedgerow.consent.get().recommend, interactions);
  const personal = hedgerow.consent.get().recommend && interactions > 0;
  const row = found.map(({ item }) => {
    const kept = cards.get(item) ?? cardOf(hedgerow, known, item);
    kept.classList.toggle("fresh", !cards.has(item) && cards.size > 0);
    kept.classList.toggle("personal", personal);
    /** @type {HTMLElement} */ (kept.querySelector(".why")).hidden = !personal;
    close(kept);
    return kept;
  });
  cards.clear();
  found.forEach(({ item }, place) => cards.set(item, /** @type {HTMLElement} */ (row[place])));
  const focused = document.activeElement;
  element("for-you-row").replaceChildren(...row);
  if (focused instanceof HTMLElement && row.some((card) => card.contains(focused))) focused.focus();
  element("for-you").hidden = false;
};

/**
 * @param {boolean} agreed
 * @param {number} interactions
 */
const noteOf = (agreed, interactions) => {
  if (!agreed) return "The same for everybody: nothing about you is kept";
  if (!interactions) return "The same for everybody so far: look at something";
  const things = interactions === 1 ? "one thing" : `${interactions} things`;
  return `From ${things} you did here, worked out in this browser`;
};

/**
 * @param {Shopper} hedgerow
 * @param {Catalog} known
 * @param {string} item
 */
const cardOf = (hedgerow, known, item) => {
  const product = /** @type {Product} */ (known.products.get(item));
  const why = make("button", { class: "why", type: "button", "aria-expanded": "false" }, "Why?");
  why.setAttribute("aria-label", `Why ${product.title}?`);
  const add = make("button", { "aria-label": `Put ${product.title} into the basket` }, "+");
  const form = make(
    "form",
    { class: "add", method: "post", action: "/basket", "data-add": item },
    make("input", { type: "hidden", name: "item", value: item }),
    add,
  );
  const card = make(
    "li",
    { class: "card" },
    make("span", { class: `frame ${tint(product)}` }, drawn(known, product)),
    make("h3", {}, make("a", { href: `/products/${item}` }, product.title)),
    make("p", { class: "price" }, pounds(product.price)),
    why,
    form,
  );
  why.addEventListener("click", () => void toggle(hedgerow, card, item));
  return card;
};

/**
 * Say what speaks for an item, or no longer.
 *
 * @param {Shopper} hedgerow
 * @param {HTMLElement} card
 * @param {string} item
 */
const toggle = async (hedgerow, card, item) => {
  if (close(card)) return;
  const found = (await hedgerow.explain(item)).filter(({ share }) => share > 0);
  const whole = found.reduce((sum, { share }) => sum + share, 0);
  const list = make("ul");
  for (const { title, share } of found.slice(0, REASONS)) {
    const percent = Math.round((100 * share) / whole);
    const bar = make("progress", { max: "100", value: String(percent), "aria-hidden": "true" });
    list.append(make("li", {}, `${title} `, make("b", {}, `${percent}\u00a0%`), bar));
  }
  if (!found.length) list.append(make("li", {}, "Popular with everybody who takes part."));
  card.append(make("div", { class: "reasons", role: "status" }, list));
  /** @type {HTMLElement} */ (card.querySelector(".why")).setAttribute("aria-expanded", "true");
};

/** @param {HTMLElement} card */
const close = (card) => {
  const open = card.querySelector(".reasons");
  open?.remove();
  card.querySelector(".why")?.setAttribute("aria-expanded", "false");
  return Boolean(open);
};
