// The error for a component of tokenizer.json that this package does not know: silently leaving it out would give other ids.
import { TokenizerError } from '../errors.ts'

export function unsupported(where: string, type: unknown): TokenizerError {
  return new TokenizerError('UNSUPPORTED_COMPONENT', `${where}: must be a component this package knows, got ${JSON.stringify(type) ?? 'nothing'}`)
}
