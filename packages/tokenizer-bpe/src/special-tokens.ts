// Special tokens and tiktoken's policy: text never turns into a control token unless the caller allows it, and text that
// looks like one is an error unless the caller says it is plain text.
import { TokenizerError } from './errors.ts'
import type { EncodeOptions, SpecialTokenSet } from './tokenizer.ts'

/** A stretch of a text: plain, or one special token (`id` is then its id, else -1). */
export interface Stretch {
  readonly start: number
  readonly end: number
  readonly id: number
}

export class SpecialTokens {
  readonly ids: ReadonlyMap<string, number>
  readonly #names = new Map<number, string>()
  readonly #all: RegExp | undefined

  constructor(ids: Iterable<readonly [string, number]>) {
    this.ids = new Map(ids)
    for (const [name, id] of this.ids) {
      if (name === '' || id >>> 0 !== id) throw new TokenizerError('INVALID_VOCABULARY', `special tokens: each must have a text and a whole number, got ${JSON.stringify(name)}: ${id}`)
      // an id may have two names (o200k_harmony); it decodes to the first
      if (!this.#names.has(id)) this.#names.set(id, name)
    }
    this.#all = patternOf(this.ids.keys())
  }

  nameOf(id: number): string | undefined {
    return this.#names.get(id)
  }

  /** Cuts `text` at the special tokens that `options` allows. Throws TokenizerError for one that it disallows. */
  split(text: string, { allowedSpecial = [], disallowedSpecial = 'all' }: EncodeOptions = {}): Stretch[] {
    const allowed = this.#named(allowedSpecial)
    const pattern = disallowedSpecial === 'all' || allowedSpecial === 'all' ? this.#all : patternOf(new Set([...allowed, ...this.#named(disallowedSpecial)]))
    const stretches: Stretch[] = []
    let start = 0
    if (pattern !== undefined) {
      for (const { 0: name, index } of text.matchAll(pattern)) {
        if (!allowed.includes(name)) throw refused(name)
        if (index > start) stretches.push({ start, end: index, id: -1 })
        start = index + name.length
        stretches.push({ start: index, end: start, id: this.ids.get(name) ?? -1 })
      }
    }
    if (start < text.length) stretches.push({ start, end: text.length, id: -1 })
    return stretches
  }

  #named(set: SpecialTokenSet): string[] {
    if (set === 'all') return [...this.ids.keys()]
    const names = [...set]
    const unknown = names.find((name) => !this.ids.has(name))
    if (unknown !== undefined) throw new TokenizerError('UNKNOWN_SPECIAL_TOKEN', `encode: allowedSpecial and disallowedSpecial must name special tokens, got ${JSON.stringify(unknown)}; see specialTokens`)
    return names
  }
}

function refused(name: string): TokenizerError {
  const shown = JSON.stringify(name)
  return new TokenizerError('SPECIAL_TOKEN_IN_TEXT', `encode: text must not contain special tokens, got ${shown}; pass allowedSpecial: [${shown}] for its id, or disallowedSpecial: [] for plain text`)
}

/** A pattern of the given texts, the longest first; undefined if there are none. */
export function patternOf(texts: Iterable<string>): RegExp | undefined {
  const sorted = [...texts].sort((a, b) => b.length - a.length)
  return sorted.length === 0 ? undefined : new RegExp(sorted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join('|'), 'g')
}
