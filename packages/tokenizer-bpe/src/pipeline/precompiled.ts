// SentencePiece's compiled normalisation rules: a double-array trie of byte strings and the strings that replace them.
import { TokenizerError } from '../errors.ts'
import { textOf, utf8Of } from '../text/utf8.ts'

export class PrecompiledRules {
  readonly #units: Uint32Array
  readonly #replacements: Uint8Array

  /** @param blob the size of the trie in bytes, the trie, the replacements each ended by a zero byte */
  constructor(blob: Uint8Array) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
    const size = blob.length < 4 ? -1 : view.getUint32(0, true)
    if (size < 4 || size % 4 !== 0 || size + 4 > blob.length) {
      throw new TokenizerError('INVALID_FORMAT', `precompiled rules: the trie must fit its ${blob.length} bytes, got a size of ${size}`)
    }
    this.#units = new Uint32Array(size / 4)
    for (let k = 0; k < this.#units.length; k++) this.#units[k] = view.getUint32(4 + k * 4, true)
    this.#replacements = blob.subarray(4 + size)
  }

  /**
   * What replaces the beginning of `bytes` from `at` on, and how many bytes it replaces; undefined if no rule begins there.
   * `longest` takes the longest rule (SentencePiece), else the shortest (Hugging Face).
   */
  match(bytes: Uint8Array, at: number, longest: boolean): { text: string; length: number } | undefined {
    const units = this.#units
    let found: { value: number; length: number } | undefined
    let node = offsetOf(units[0])
    for (let k = at; k < bytes.length; k++) {
      const byte = bytes[k]
      node ^= byte
      if (byte === 0 || node >= units.length) break
      const unit = units[node]
      if (labelOf(unit) !== byte) break
      node ^= offsetOf(unit)
      if (((unit >>> 8) & 1) === 1 && node < units.length) {
        found = { value: units[node] & 0x7fff_ffff, length: k + 1 - at }
        if (!longest) break
      }
    }
    if (found === undefined) return undefined
    const end = this.#replacements.indexOf(0, found.value)
    return { text: textOf(this.#replacements.subarray(found.value, end < 0 ? undefined : end)), length: found.length }
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6)
}

function labelOf(unit: number): number {
  return (unit & ((1 << 31) | 0xff)) >>> 0
}

/** As Hugging Face's Precompiled normalizer: grapheme by grapheme, a short one as a whole if a rule begins it, else its characters. */
export function precompiledNormalizer(rules: PrecompiledRules): (text: string) => string {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  const replacementOf = (part: string): string | undefined => rules.match(utf8Of(part), 0, false)?.text
  return (text) => {
    let result = ''
    for (const { segment } of segmenter.segment(text)) {
      const whole = utf8Of(segment).length < 6 ? replacementOf(segment) : undefined
      if (whole !== undefined) result += whole
      else for (const character of segment) result += replacementOf(character) ?? character
    }
    return result
  }
}
