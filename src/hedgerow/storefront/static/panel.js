/** What this shop knows: what is kept here, what left, what it cost, and an end to all of it. */
import { catalog, drawn, tint } from "./catalog.js";
import { choose } from "./consent.js";
import { element, make } from "./page.js";

/** @typedef {import("../../../../sdk/dist/types/index.js").Hedgerow} Shopper */
/** @typedef {import("../../../../sdk/dist/types/index.js").Status} Status */
/** @typedef {import("../../../../sdk/dist/types/index.js").Budget} Budget */
/** @typedef {import("../../../../sdk/dist/types/index.js").Interaction} Interaction */

const KINDS = new Map([
  ["view", "Looked at"],
  ["basket", "Put into the basket"],
  ["purchase", "Bought"],
]);

const MESSAGES = new Map([["report", "A masked part of a sum"]]);

const PLACES = { worker: "in a worker of this tab", page: "in this page" };

/** Milliseconds after which the panel is looked at again. */
const LOOK = 3000;

/**
 * Show the panel, and keep it up to date.
 *
 * @param {Shopper} hedgerow
 */
export const showPanel = async (hedgerow) => {
  const form = /** @type {HTMLFormElement} */ (element("choice"));
  form.addEventListener("change", (event) => {
    const { name, checked } = /** @type {HTMLInputElement} */ (event.target);
    void choose(hedgerow, { [name]: checked });
  });
  element("forget").addEventListener("click", async () => {
    await hedgerow.forget();
    element("forgotten").textContent = "Forgotten: nothing is kept here any more.";
  });
  hedgerow.on("change", () => void render(hedgerow, form));
  hedgerow.on("round", () => {
    element("problem").textContent = "";
    void render(hedgerow, form);
  });
  hedgerow.on("error", ({ message }) => (element("problem").textContent = message));
  setInterval(() => document.hidden || void render(hedgerow, form), LOOK);
  await render(hedgerow, form);
};

/**
 * @param {Shopper} hedgerow
 * @param {HTMLFormElement} form
 */
const render = async (hedgerow, form) => {
  const live = fetch("/hedgerow/live.json").then((answer) => answer.json()).catch(() => undefined);
  const [status, model] = await Promise.all([hedgerow.status(), live]);
  for (const [purpose, given] of Object.entries(hedgerow.consent.get())) {
    /** @type {HTMLInputElement} */ (form.elements.namedItem(purpose)).checked = given;
  }
  showCost(status.budget);
  showPart(status, model);
  showSent(status);
  await showKept(hedgerow.history(), status);
};

/** @param {Budget | null} budget */
const showCost = (budget) => {
  const bar = /** @type {HTMLProgressElement} */ (element("spent-bar"));
  bar.max = budget?.of ?? 1;
  bar.value = budget?.epsilon ?? 0;
  bar.hidden = !budget?.of;
  if (!budget) {
    element("spent").textContent = "Nothing";
    element("spent-note").textContent = "No sum with a part of yours has left this browser.";
    return;
  }
  const { epsilon, of, delta, unit, clientsPerPerson, mechanism, releases } = budget;
  const places = clientsPerPerson === 1 ? "one browser" : `${clientsPerPerson} browsers`;
  const most = of === null ? "" : ` of at most ${of}`;
  element("spent").replaceChildren(`ε ${epsilon.toFixed(2)}`, make("small", {}, most));
  element("spent-note").textContent =
    `Epsilon at delta ${delta.toExponential(0)} per ${unit} at ${places}, that is for all you ever did ` +
    "here; who takes part from more is protected less; " +
    `${mechanism} noise, ${releases} ${releases === 1 ? "sum" : "sums"}. The less it is, the less ` +
    "anybody can tell from all models together whether you took part at all. " +
    (of === null ? "" : `A sum that would take more than ${of} is refused by this browser.`);
};

/**
 * @param {Status} status
 * @param {{model: string, run: number, runs: number, steps: number} | undefined} model
 */
const showPart = ({ participating, where, consents, lasting, releases, interactions }, model) => {
  const agreed = consents.train ?? consents.measure;
  const waits = where ? `takes part when it is idle, ${PLACES[where]}` : "waits for its turn";
  const does = participating ? waits : "does not take part";
  /** @type {[string, string][]} */
  const rows = [
    ["This tab", agreed ? does : "does not take part, as you have not agreed to it"],
    ["Sums", releases.length ? `${releases.length} with a part of yours` : "none with a part of yours"],
    ["Storage", lasting || !interactions ? "in this browser" : "lost with this page"],
    ["Model", model ? modelWords(model) : "cannot be asked for now"],
  ];
  if (agreed) rows.splice(1, 0, ["Agreed", moment(agreed.at)]);
  element("part").replaceChildren(
    ...rows.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))),
  );
};

/** @param {{model: string, run: number, runs: number, steps: number}} model */
const modelWords = ({ model, run, runs, steps }) => {
  const from = run ? `run ${run} of ${runs} over the network` : "made before the first run";
  return `${model.slice(0, 8)}, ${from}, from ${steps} sums`;
};

/** @param {Status} status */
const showSent = ({ sent }) => {
  const bytes = sent.reduce((sum, message) => sum + message.bytes, 0);
  element("sent-note").textContent = sent.length
    ? `${sent.length === 1 ? "One message" : `${sent.length} messages`}, ${kilobytes(bytes)} in all. Each looks like chance to whoever sees it: only the sum of many can be opened, by two servers together.`
    : "Nothing.";
  element("sent-scroll").hidden = !sent.length;
  element("sent").replaceChildren(
    ...[...sent].reverse().map(({ kind, bytes: size, at, round }) =>
      make(
        "tr",
        {},
        make("td", {}, moment(at)),
        make("td", {}, MESSAGES.get(kind) ?? kind),
        make("td", {}, make("code", { title: round }, round.slice(0, 8))),
        make("td", { class: "number" }, kilobytes(size)),
      ),
    ),
  );
};

/**
 * @param {Interaction[]} history
 * @param {Status} status
 */
const showKept = async (history, { interactions, known: knownToModel }) => {
  element("kept-note").textContent = interactions
    ? `${interactions} ${interactions === 1 ? "thing" : "things"} you did, the last first; the model knows ${knownToModel} of them.`
    : "Nothing.";
  const known = await catalog();
  element("kept").replaceChildren(
    ...history.reverse().map(({ item, kind, time }) => {
      const product = known.products.get(item);
      const picture = product
        ? make("span", { class: `frame ${tint(product)}` }, drawn(known, product))
        : make("span", { class: "frame tint" });
      const words = `${KINDS.get(kind) ?? kind} ${moment(1000 * time)}`;
      const text = make("span", {}, product?.title ?? item, make("small", {}, words));
      return make("li", {}, picture, text);
    }),
  );
};

/** @param {number} at */
const moment = (at) => new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
