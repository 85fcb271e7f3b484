// A byte-level BPE tokenizer as Hugging Face's tokenizer.json.
import { GPT2_PATTERN } from '../split/patterns.ts'
import { spell } from '../text/byte-alphabet.ts'
import type { ByteBpe } from '../byte-bpe.ts'

export function writeTokenizerJson(tokenizer: ByteBpe): object {
  const { vocabulary, pairs, splitter, specialTokens, wholePieces } = tokenizer
  const vocab: [string, number][] = []
  for (let id = 0; id < vocabulary.size; id++) if (vocabulary.has(id)) vocab.push([spell(vocabulary.bytesOf(id)), id])
  // a second name of an id has no place in the file
  const ids = new Set<number>()
  const specials = [...specialTokens].filter(([, id]) => !ids.has(id) && ids.add(id)).sort((a, b) => a[1] - b[1])
  const merges: [string, string][] = []
  const list = pairs.list()
  for (let k = 0; k < list.length; k += 3) merges.push([spell(vocabulary.bytesOf(list[k])), spell(vocabulary.bytesOf(list[k + 1]))])
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map(([content, id]) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: null,
    pre_tokenizer: preTokenizer(splitter.pattern),
    post_processor: byteLevel(true),
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: wholePieces,
      // special tokens too: that is how Hugging Face keeps the ids it finds in the file
      vocab: Object.fromEntries([...vocab, ...specials].sort((a, b) => a[1] - b[1])),
      merges,
    },
  }
}

function preTokenizer(pattern: string): object {
  if (pattern === GPT2_PATTERN) return byteLevel(true)
  if (pattern === '') return byteLevel(false)
  return {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, byteLevel(false)],
  }
}

function byteLevel(useRegex: boolean): object {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: useRegex }
}
