// A failure of the set-up that is told in one line, without a stack.

export class SetupError extends Error {}

/**
 * Ends the process with the one line of a SetupError; lets every other error show its stack.
 * @param {unknown} error
 * @returns {never}
 */
export function exitWith(error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exit(1)
}
