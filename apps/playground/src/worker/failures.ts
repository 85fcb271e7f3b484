// What an error means to the person at the page: a code that the page explains in its language, and the error's own words.
import { DeviceError } from '@abovo/tensor-webgpu'
import { CheckpointError, ConfigError, DataError } from '@abovo/nn-transformer'
import { TokenizerError } from '@abovo/tokenizer-bpe'
import { ArchiveError } from '../archive/archive-error.ts'
import type { FailureCode } from '../protocol.ts'
import { NoDevice } from './compute-device.ts'
import { NotARun } from './run-files.ts'
import { Diverged } from './run.ts'

export function explain(error: unknown): { code: FailureCode; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return { code: codeOf(error), message }
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof NoDevice) return error.code
  if (error instanceof Diverged) return 'diverged'
  if (error instanceof ArchiveError || error instanceof CheckpointError || error instanceof NotARun || error instanceof TokenizerError) return 'checkpoint'
  if (error instanceof ConfigError || error instanceof DataError) return 'settings'
  if (error instanceof DeviceError) return error.code === 'lost' ? 'lost' : /memory/.test(error.code) ? 'out-of-memory' : 'other'
  return error instanceof RangeError && /allocation|memory/i.test(error.message) ? 'out-of-memory' : 'other'
}
