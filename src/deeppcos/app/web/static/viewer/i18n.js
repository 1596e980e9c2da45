// Words in the reader's language: Django's catalogue of scripts, or English where there is none.
// Owns looking them up and filling their holes. The catalogue comes from ``viewer:words``, a script
// of this origin that runs before the modules; its source is ``locale/*/LC_MESSAGES/djangojs.po``.

/** @typedef {Record<string, string | number>} Parts What stands in the holes: ``{count}``. */

/**
 * @typedef {object} Catalogue
 * @property {(text: string) => string} gettext
 * @property {(one: string, many: string, count: number) => string} ngettext
 * @property {(context: string, text: string) => string} pgettext
 */

/** @type {Catalogue | undefined} */
const catalogue = /** @type {any} */ (globalThis).django;

/**
 * @param {string} text
 * @param {Parts} parts
 */
function filled(text, parts) {
  return text.replace(/\{(\w+)\}/g, (hole, name) => (name in parts ? String(parts[name]) : hole));
}

/**
 * A sentence in the reader's language.
 * @param {string} text
 * @param {Parts} parts
 */
export function gettext(text, parts = {}) {
  return filled(catalogue?.gettext(text) ?? text, parts);
}

/**
 * A sentence by number; ``{count}`` is filled.
 * @param {string} one
 * @param {string} many
 * @param {number} count
 * @param {Parts} parts
 */
export function ngettext(one, many, count, parts = {}) {
  const text = catalogue?.ngettext(one, many, count) ?? (count === 1 ? one : many);
  return filled(text, { count, ...parts });
}

/**
 * A word that means different things in different places.
 * @param {string} context
 * @param {string} text
 * @param {Parts} parts
 */
export function pgettext(context, text, parts = {}) {
  return filled(catalogue?.pgettext(context, text) ?? text, parts);
}

/** The language numbers and times are written in. */
export function language() {
  return globalThis.document?.documentElement.lang || "en-gb";
}

/**
 * @param {number} value
 * @param {number} digits Behind the point.
 */
export function decimal(value, digits) {
  return value.toLocaleString(language(), {
    minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false,
  });
}
