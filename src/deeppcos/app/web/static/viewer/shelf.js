// Where edits lie on this computer until the server has them: IndexedDB, or memory where the
// browser forbids it. Owns the storage; nobody else's edits are read.

/** @import {Edit} from "./types.js" */

const STORE = "edits";

/** @typedef {Awaited<ReturnType<typeof openShelf>>} Shelf */

/**
 * Open the place of one reader's edits of one reading.
 * @param {string} owner Reader, study and purpose.
 */
export async function openShelf(owner) {
  /** @type {IDBDatabase | null} */
  const db = await new Promise((resolve) => {
    try {
      const asked = indexedDB.open("deeppcos-viewer", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore(STORE, { keyPath: "key" }).createIndex("owner", "owner");
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  let order = Date.now();
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>}
   */
  const within = (mode, work) =>
    new Promise((resolve, reject) => {
      const transaction = /** @type {IDBDatabase} */ (db).transaction(STORE, mode, {
        durability: "strict",
      });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  return {
    isDurable: db !== null,
    /** @param {Edit} edit */
    async put(edit) {
      if (!db) return;
      order += 1;
      await within("readwrite", (store) =>
        store.put({ key: `${owner}/${edit.id}`, owner, order, edit }));
    },
    /** @param {Edit[]} edits */
    async drop(edits) {
      if (!db) return;
      for (const edit of edits) {
        await within("readwrite", (store) => store.delete(`${owner}/${edit.id}`));
      }
    },
    /** @returns {Promise<Edit[]>} */
    async all() {
      if (!db) return [];
      const rows = await within("readonly", (store) => store.index("owner").getAll(owner));
      return rows.sort((a, b) => a.order - b.order).map((row) => row.edit);
    },
  };
}
