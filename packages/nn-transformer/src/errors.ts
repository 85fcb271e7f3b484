// The errors of this package. Each message reads `where: what must hold, got what; remedy`. Shape and device errors come from tensor-webgpu.

/** Root of all errors thrown on purpose; `code` is stable and meant for programs. */
export class ModelError extends Error {
  override name = 'ModelError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A hyperparameter that is missing, of the wrong type, or does not go with another. */
export class ConfigError extends ModelError {
  override name = 'ConfigError'
  constructor(message: string) {
    super('config', message)
  }
}

/** A checkpoint that is damaged, hostile, or made for another model. `code` says which; `tensor` names the culprit where there is one. */
export class CheckpointError extends ModelError {
  override name = 'CheckpointError'
  readonly tensor: string | null
  constructor(code: string, message: string, tensor: string | null = null) {
    super(code, message)
    this.tensor = tensor
  }
}

/** Text or token ids that a model cannot take. */
export class DataError extends ModelError {
  override name = 'DataError'
  constructor(message: string) {
    super('data', message)
  }
}

/** A loss or gradient that is no longer a number. The model keeps the parameters it had before that step. */
export class DivergenceError extends ModelError {
  override name = 'DivergenceError'
  readonly step: number
  readonly loss: number
  constructor(message: string, step: number, loss: number) {
    super('divergence', message)
    this.step = step
    this.loss = loss
  }
}
