// The errors of this package. Each message reads `where: what must hold, got what; remedy`.

/** Root of all errors thrown on purpose; `code` is stable and meant for programs. */
export class TensorError extends Error {
  override name = 'TensorError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Sizes, ranks, axes or index ranges that do not fit. */
export class ShapeError extends TensorError {
  override name = 'ShapeError'
  constructor(message: string) {
    super('shape', message)
  }
}

/** An element type that an operation does not take. */
export class DtypeError extends TensorError {
  override name = 'DtypeError'
  constructor(message: string) {
    super('dtype', message)
  }
}

/** A device that is missing, lost, out of memory, or not the one the operands live on. */
export class DeviceError extends TensorError {
  override name = 'DeviceError'
  constructor(message: string, code = 'device') {
    super(code, message)
  }
}

/** A tensor used after `dispose()`. */
export class DisposedError extends TensorError {
  override name = 'DisposedError'
  constructor(message: string) {
    super('disposed', message)
  }
}
