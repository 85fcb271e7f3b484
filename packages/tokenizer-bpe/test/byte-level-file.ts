import { STAND_IN } from '../src/text/byte-alphabet.ts'

/** A small byte-level tokenizer.json, with the given parts in it. */
export function byteLevelFile({ vocab = {}, merges = [], pattern = String.raw`\w+|\W` }: { vocab?: object; merges?: unknown[]; pattern?: string } = {}): object {
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { ...Object.fromEntries(STAND_IN.map((character, byte) => [character, byte])), ...vocab }, merges },
  }
}
