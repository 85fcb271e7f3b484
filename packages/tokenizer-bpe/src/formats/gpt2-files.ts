// GPT-2's own pair of files: encoder.json (vocab.json), ids by token, and vocab.bpe (merges.txt), a merge a line.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { TokenizerError } from '../errors.ts'
import { ListedPairs } from '../merge/pairs.ts'
import { gpt2Splitter } from '../split/known.ts'
import type { Splitter } from '../split/splitter.ts'
import { spell, unspell } from '../text/byte-alphabet.ts'
import { vocabularyOf } from '../vocabulary.ts'
import { entriesOf, objectOf, parseJson } from './json.ts'

export interface Gpt2FilesOptions {
  /** Tokens of encoder.json that are special. Default those that the files cannot make by merging, such as <|endoftext|>. */
  specialTokens?: readonly string[]
  /** Default GPT-2's pattern. */
  splitter?: Splitter
}

/**
 * Opens GPT-2's files.
 *
 * @param encoder text of encoder.json or vocab.json
 * @param bpe text of vocab.bpe or merges.txt
 * @throws TokenizerError 'INVALID_FORMAT', 'INVALID_MERGES' with the line
 * @example
 * const gpt2 = loadGpt2Files(await readFile('encoder.json', 'utf8'), await readFile('vocab.bpe', 'utf8'))
 */
export function loadGpt2Files(encoder: string, bpe: string, { specialTokens, splitter = gpt2Splitter }: Gpt2FilesOptions = {}): BpeTokenizer {
  const ids = new Map(entriesOf(objectOf(parseJson(encoder, 'encoder.json'), 'encoder.json'), 'encoder.json'))
  const merges: number[] = []
  const made = new Set<string>()
  for (const [k, line] of bpe.split(/\r?\n/).entries()) {
    if (line === '' || (k === 0 && line.startsWith('#version'))) continue
    const parts = line.split(' ')
    const [left, right] = parts
    const triple = [left, right, `${left}${right}`].map((token) => ids.get(token))
    const [leftId, rightId, mergedId] = triple
    if (parts.length !== 2 || leftId === undefined || rightId === undefined || mergedId === undefined) {
      throw new TokenizerError('INVALID_MERGES', `vocab.bpe: line ${k + 1} must be two tokens of encoder.json that make a third, got ${JSON.stringify(line.slice(0, 60))}`)
    }
    merges.push(leftId, rightId, mergedId)
    made.add(`${left}${right}`)
  }
  const special = new Set(specialTokens ?? [...ids.keys()].filter((token) => !made.has(token) && token.length > 1))
  const tokens: (Uint8Array | undefined)[] = []
  for (const [token, id] of ids) {
    if (special.has(token)) continue
    const bytes = unspell(token)
    if (bytes === undefined || bytes.length === 0) throw new TokenizerError('INVALID_VOCABULARY', `encoder.json: tokens must be spelled in the byte alphabet, got ${JSON.stringify(token)}`)
    while (tokens.length <= id) tokens.push(undefined)
    tokens[id] = bytes
  }
  return new BpeTokenizer({
    vocabulary: vocabularyOf(tokens),
    pairs: new ListedPairs(Int32Array.from(merges)),
    splitter,
    specialTokens: [...special].map((token) => [token, idIn(ids, token)] as const),
  })
}

/** The two files of a tokenizer, as texts. */
export function writeGpt2Files(tokenizer: BpeTokenizer): { encoder: string; bpe: string } {
  const { vocabulary, specialTokens, pairs } = tokenizer
  const entries: [string, number][] = [...specialTokens]
  for (let id = 0; id < vocabulary.size; id++) if (vocabulary.has(id)) entries.push([spell(vocabulary.bytesOf(id)), id])
  const list = pairs.list()
  let bpe = '#version: 0.2\n'
  for (let k = 0; k < list.length; k += 3) bpe += `${spell(vocabulary.bytesOf(list[k]))} ${spell(vocabulary.bytesOf(list[k + 1]))}\n`
  return { encoder: JSON.stringify(Object.fromEntries(entries.sort((a, b) => a[1] - b[1]))), bpe }
}

function idIn(ids: ReadonlyMap<string, number>, token: string): number {
  const id = ids.get(token)
  if (id === undefined) throw new TokenizerError('UNKNOWN_SPECIAL_TOKEN', `loadGpt2Files: special tokens must be in encoder.json, got ${JSON.stringify(token)}`)
  return id
}
