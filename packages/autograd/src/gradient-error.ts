// The error of this package: a gradient that was asked for and cannot be had. Messages read `where: what must hold, got what; remedy`.
import { TensorError } from '@abovo/tensor-webgpu'

/** `code` is 'gradient', or 'gradcheck' where a numerical check disagrees, 'anomaly' where a value is not finite. */
export class GradientError extends TensorError {
  override name = 'GradientError'
  constructor(message: string, code = 'gradient') {
    super(code, message)
  }
}
