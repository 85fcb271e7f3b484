// The `pattern` of a component: `{"String": …}` or `{"Regex": …}`.
import { TokenizerError } from '../errors.ts'
import { fieldOf, isObject } from '../formats/json.ts'
import { type Finder, findPattern, findText } from '../split/pattern/find.ts'

export function finderOf(pattern: unknown, where: string): Finder {
  if (typeof pattern === 'string') return findText(pattern)
  const text = isObject(pattern) ? fieldOf(pattern, 'String') : undefined
  const regex = isObject(pattern) ? fieldOf(pattern, 'Regex') : undefined
  if (typeof text === 'string') return findText(text)
  if (typeof regex === 'string') return findPattern(regex)
  throw new TokenizerError('INVALID_FORMAT', `${where}: must be {"String": …} or {"Regex": …}, got ${JSON.stringify(pattern) ?? 'nothing'}`)
}
