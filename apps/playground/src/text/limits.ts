// How much text a run takes. Apart from read-text.ts, so that the page can say it without the worker's code.

/** More is better trained with the command line: a tab would hold it several times over. */
export const MOST_BYTES = 8 * 2 ** 20
/** Less has no window to train on and nothing to hold out. */
export const LEAST_CHARACTERS = 400
