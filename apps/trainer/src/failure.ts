// Failures that are told in one line, and the exit code of each kind. What a package throws is recognised by its class's name and code; anything
// else is a fault of this program and says so.

/** What the process ends with. 130 and 143 (a signal, with a checkpoint saved) are in interruption.ts. */
export const exitCodes = { fault: 1, usage: 2, input: 3, device: 4, divergence: 5, storage: 6 } as const
export type FailureKind = keyof typeof exitCodes

/** `where: what must hold, got what; remedy`. */
export class Failure extends Error {
  override name = 'Failure'
  readonly kind: FailureKind
  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Kinds by the names of the packages' error classes. */
const kinds: ReadonlyMap<string, FailureKind> = new Map([
  ['CommanderError', 'usage'], ['ConfigError', 'usage'], ['OptionError', 'usage'],
  ['CheckpointError', 'input'], ['DataError', 'input'], ['TokenizerError', 'input'], ['TokenIdError', 'input'], ['RewardError', 'input'],
  ['DeviceError', 'device'], ['DivergenceError', 'divergence'],
])

/** What to print and how to end. Never throws. */
export function describeFailure(error: unknown): { readonly line: string; readonly exitCode: number } {
  if (error instanceof Failure) return { line: oneLine(error.message), exitCode: exitCodes[error.kind] }
  if (!(error instanceof Error)) return { line: oneLine(String(error)), exitCode: exitCodes.fault }
  const kind = codeOf(error) === 'diverged' ? 'divergence' : kinds.get(error.name)
  if (kind !== undefined) return { line: oneLine(error.message), exitCode: exitCodes[kind] }
  return { line: oneLine(`abovo: a fault of the program, not of yours: ${error.name}: ${error.message}; ABOVO_DEBUG=1 shows where`), exitCode: exitCodes.fault }
}

/** The code of a Node system error (`ENOSPC`), or of a package's error; '' if there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim()

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'the disk quota is used up; free some space',
  EFBIG: 'the file may not grow that large; raise the limit',
  EACCES: 'permission is denied; choose another folder with --out',
  EPERM: 'permission is denied; choose another folder with --out',
  EROFS: 'the file system is read-only; choose another folder with --out',
  ENOTDIR: 'part of the path is a file; choose another folder with --out',
  ENOENT: 'the folder is gone, or takes no files; choose another with --out',
  EMFILE: 'too many files are open; close other programs',
}

/** A failed write as a failure that says what is safe. Other errors pass unchanged. */
export function writeFailure(path: string, error: unknown): unknown {
  const remedy = Object.hasOwn(remedies, codeOf(error)) ? remedies[codeOf(error)] : undefined
  return remedy === undefined ? error : new Failure('storage', `${path}: the file must be writable, got ${codeOf(error)}: ${remedy} and run again; earlier files are as they were`, { cause: error })
}
