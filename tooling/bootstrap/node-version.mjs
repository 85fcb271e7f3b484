// The oldest Node.js this repository runs on.
import { SetupError } from './setup-error.mjs'

const oldest = [20, 19]

/** @param {string} version as process.versions.node */
export function requireNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return
  throw new SetupError(`set-up: Node.js must be ${oldest.join('.')} or newer, got ${version}; install a newer Node.js and run again`)
}
