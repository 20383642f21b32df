/**
 * The public catalog and the drawings, fetched whole and drawn here: whoever asked for what is
 * recommended alone would tell the shop what that is.
 */

/**
 * @typedef {object} Product
 * @property {string} title
 * @property {string} category
 * @property {number} price
 * @property {string[]} parts names of drawings, the hindmost first
 * @property {Record<string, string>} colours by the names that drawings have for them
 */

/** @typedef {{products: Map<string, Product>, drawings: Map<string, string>}} Catalog */

/** @type {Promise<Catalog> | undefined} */
let fetched;

/** Return the catalog; it is fetched once for a page. */
export const catalog = () => (fetched ??= fetchAll());

/** @returns {Promise<Catalog>} */
const fetchAll = async () => {
  const [products, drawings] = await Promise.all([
    fetch("/catalog.json").then((answer) => answer.json()),
    fetch("/static/drawings.svg").then((answer) => answer.text()),
  ]);
  const symbols = new DOMParser().parseFromString(drawings, "image/svg+xml").querySelectorAll("symbol");
  return {
    products: new Map(Object.entries(products)),
    drawings: new Map([...symbols].map((symbol) => [symbol.id, symbol.innerHTML])),
  };
};

/**
 * Draw a product, as the shop's server would.
 *
 * @param {Catalog} catalog
 * @param {Product} product
 * @returns {SVGElement}
 */
export const drawn = ({ drawings }, { parts, colours }) => {
  const body = parts.map((part) => drawings.get(part) ?? "").join("");
  const filled = body.replace(/\$([a-z])/g, (_, name) => colours[name] ?? "none");
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" aria-hidden="true">${filled}</svg>`;
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return /** @type {SVGElement} */ (/** @type {unknown} */ (document.importNode(parsed, true)));
};

/**
 * Return the class that gives a product's picture its ground.
 *
 * @param {Product} product
 */
export const tint = ({ category }) => `tint tint-${category.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;

/** @param {number} amount */
export const pounds = (amount) =>
  amount.toLocaleString("en-GB", { style: "currency", currency: "GBP" });
