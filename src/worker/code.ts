/**
 * What a worker is started of.
 * @module
 */

/** A module's address, or a classic script's text. */
export type Code = { readonly url: URL } | { readonly text: string };
