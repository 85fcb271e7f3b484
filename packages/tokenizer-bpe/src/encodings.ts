// OpenAI's encodings: which pattern cuts the text and which special tokens there are. The vocabularies themselves are
// files of megabytes and never part of this package; see formats/tiktoken.ts.
import { cl100kSplitter, gpt2Splitter, o200kSplitter } from './split/known.ts'
import type { Splitter } from './split/splitter.ts'

export interface Encoding {
  splitter: Splitter
  specialTokens: Iterable<readonly [string, number]>
}

const END_OF_TEXT = '<|endoftext|>'
const END_OF_PROMPT = '<|endofprompt|>'
const FILL_IN_THE_MIDDLE = ['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>'] as const

export type EncodingName = 'gpt2' | 'r50k_base' | 'p50k_base' | 'p50k_edit' | 'cl100k_base' | 'o200k_base' | 'o200k_harmony'

export const ENCODING_NAMES: readonly EncodingName[] = ['gpt2', 'r50k_base', 'p50k_base', 'p50k_edit', 'cl100k_base', 'o200k_base', 'o200k_harmony']

export function isEncodingName(name: string): name is EncodingName {
  return ENCODING_NAMES.some((known) => known === name)
}

/** The pattern and special tokens of one of OpenAI's encodings, as in tiktoken's openai_public.py. */
export function encodingOf(name: EncodingName): Encoding {
  switch (name) {
    case 'gpt2':
    case 'r50k_base':
    case 'p50k_base':
      return { splitter: gpt2Splitter, specialTokens: [[END_OF_TEXT, 50256]] }
    case 'p50k_edit':
      return { splitter: gpt2Splitter, specialTokens: [[END_OF_TEXT, 50256], ...numbered(FILL_IN_THE_MIDDLE, 50281)] }
    case 'cl100k_base':
      return { splitter: cl100kSplitter, specialTokens: [[END_OF_TEXT, 100257], ...numbered(FILL_IN_THE_MIDDLE, 100258), [END_OF_PROMPT, 100276]] }
    case 'o200k_base':
      return { splitter: o200kSplitter, specialTokens: [[END_OF_TEXT, 199999], [END_OF_PROMPT, 200018]] }
    case 'o200k_harmony':
      return { splitter: o200kSplitter, specialTokens: harmony() }
  }
}

function numbered(names: readonly string[], first: number): [string, number][] {
  return names.map((name, k) => [name, first + k])
}

function harmony(): [string, number][] {
  const named = new Map([
    [199998, '<|startoftext|>'], [199999, END_OF_TEXT], [200002, '<|return|>'], [200003, '<|constrain|>'],
    [200005, '<|channel|>'], [200006, '<|start|>'], [200007, '<|end|>'], [200008, '<|message|>'], [200012, '<|call|>'],
  ])
  // tiktoken gives 200018 two names: the one of o200k_base beside the reserved one
  const tokens: [string, number][] = [[END_OF_PROMPT, 200018]]
  for (let id = 199998; id < 201088; id++) tokens.push([named.get(id) ?? `<|reserved_${id}|>`, id])
  return tokens
}
