// The errors of this package. Each message reads `where: what must hold, got what; remedy`.

/** Root of all errors thrown on purpose; `code` is stable and meant for programs. */
export class RlhfError extends Error {
  override name = 'RlhfError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Options that contradict each other or a value out of range. */
export class OptionError extends RlhfError {
  override name = 'OptionError'
  constructor(message: string) {
    super('option', message)
  }
}

/** A row of a data file that cannot be used; `line` counts from 1. */
export class DataError extends RlhfError {
  override name = 'DataError'
  readonly line: number
  constructor(line: number, message: string) {
    super('data', message)
    this.line = line
  }
}

/** A reward that threw or is not a finite number; `sample` counts from 0 in the rollout. The trainer's state is as before the call. */
export class RewardError extends RlhfError {
  override name = 'RewardError'
  readonly sample: number | null
  constructor(sample: number | null, message: string, options?: ErrorOptions) {
    super('reward', message, options)
    this.sample = sample
  }
}
