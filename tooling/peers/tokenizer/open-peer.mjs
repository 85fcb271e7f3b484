// The other tokenizers of npm behind one shape: text to ids and back.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
// the packages of this folder, which are no dependencies of the workspace
const load = (name) => import(import.meta.resolve(name))

/** Names that `openPeer` knows. */
export const PEERS = ['gpt-tokenizer', 'ai-tokenizer', 'tiktoken', 'js-tiktoken']

/** @returns {Promise<{ encode(text: string): ArrayLike<number>, decode(ids: ArrayLike<number>): string } | undefined>} undefined if it lacks the encoding */
export async function openPeer(name, encoding) {
  switch (name) {
    case 'gpt-tokenizer': {
      const { encode, decode } = await load(`gpt-tokenizer/encoding/${encoding === 'gpt2' ? 'r50k_base' : encoding}`)
      return { encode: (text) => encode(text), decode: (ids) => decode(ids) }
    }
    case 'ai-tokenizer': {
      if (encoding === 'gpt2') return undefined
      const { Tokenizer } = await load('ai-tokenizer')
      const tokenizer = new Tokenizer(await load(`ai-tokenizer/encoding/${encoding}`))
      return { encode: (text) => tokenizer.encode(text), decode: (ids) => tokenizer.decode(Array.from(ids)) }
    }
    case 'tiktoken': {
      const { Tiktoken } = await load('tiktoken/lite')
      const file = JSON.parse(readFileSync(require.resolve(`tiktoken/encoders/${encoding}.json`), 'utf8'))
      const tokenizer = new Tiktoken(file.bpe_ranks, file.special_tokens, file.pat_str)
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      return { encode: (text) => tokenizer.encode_ordinary(text), decode: (ids) => decoder.decode(tokenizer.decode(Uint32Array.from(ids))) }
    }
    case 'js-tiktoken': {
      const { Tiktoken } = await load('js-tiktoken/lite')
      const { default: ranks } = await load(`js-tiktoken/ranks/${encoding}`)
      const tokenizer = new Tiktoken(ranks)
      return { encode: (text) => tokenizer.encode(text), decode: (ids) => tokenizer.decode(Array.from(ids)) }
    }
    default: throw new Error(`openPeer: the name must be one of ${PEERS.join(', ')}, got ${name}`)
  }
}
