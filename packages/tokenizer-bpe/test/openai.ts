// OpenAI's encodings from npm's `tiktoken`, and tiktoken itself as the oracle.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Tiktoken } from 'tiktoken/lite'
import { type BpeTokenizer, type EncodingName, loadTiktoken } from '../src/index.ts'

export interface Published {
  bpe_ranks: string
  special_tokens: Record<string, number>
  pat_str: string
}

export function published(name: string): Published {
  return JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`tiktoken/encoders/${name}.json`), 'utf8'))
}

export function ours(name: EncodingName): BpeTokenizer {
  return loadTiktoken(published(name === 'o200k_harmony' ? 'o200k_base' : name).bpe_ranks, name)
}

export function oracle(name: string): Tiktoken {
  const { bpe_ranks: ranks, special_tokens: special, pat_str: pattern } = published(name)
  return new Tiktoken(ranks, special, pattern)
}
