/** The visitor's own list, read where the SDK keeps it. */

/** @typedef {{item: string, kind: string, time: number}} Seen */

/**
 * Return what the visitor did here, the last first; nothing is made where nothing is kept.
 *
 * @param {string} task
 * @returns {Promise<Seen[]>}
 */
export const readHistory = async (task) => {
  const name = `hedgerow/${task}`;
  const found = await indexedDB.databases();
  if (!found.some((database) => database.name === name)) return [];
  const request = indexedDB.open(name);
  // Forgotten in another tab meanwhile: it shall not come to be again.
  request.onupgradeneeded = () => request.transaction?.abort();
  const database = await result(request).catch(() => undefined);
  if (!database) return [];
  try {
    const store = database.transaction("history").objectStore("history");
    /** @type {Seen[]} */
    const seen = await result(store.getAll());
    return seen.reverse();
  } finally {
    database.close();
  }
};

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
