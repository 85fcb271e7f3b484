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
    const byName = new Map(ids)
    for (const [name, id] of byName) {
      if (name === '') throw new TokenizerError('INVALID_VOCABULARY', `special tokens: a special token must have a text, got '' for id ${id}`)
      if (!Number.isInteger(id) || id < 0 || id > 0x7fff_fffe) throw new TokenizerError('INVALID_VOCABULARY', `special tokens: an id must be a whole number from 0 to 2147483646, got ${id} for ${JSON.stringify(name)}`)
      // an id may have two names (o200k_harmony); it decodes to the first
      if (!this.#names.has(id)) this.#names.set(id, name)
    }
    this.ids = byName
    this.#all = patternOf(byName.keys())
  }

  nameOf(id: number): string | undefined {
    return this.#names.get(id)
  }

  /** Cuts `text` at the special tokens that `options` allows. Throws TokenizerError for one that it disallows. */
  split(text: string, options: EncodeOptions = {}): Stretch[] {
    const whole = { start: 0, end: text.length, id: -1 }
    if (this.#all === undefined) return [whole]
    const { allowedSpecial = [], disallowedSpecial = 'all' } = options
    const allowed = this.#resolve(allowedSpecial)
    this.#refuse(text, disallowedSpecial, allowed)
    const pattern = allowed === 'all' ? this.#all : patternOf(allowed)
    if (pattern === undefined) return [whole]

    const stretches: Stretch[] = []
    let start = 0
    for (const match of text.matchAll(pattern)) {
      if (match.index > start) stretches.push({ start, end: match.index, id: -1 })
      const end = match.index + match[0].length
      stretches.push({ start: match.index, end, id: this.ids.get(match[0]) ?? -1 })
      start = end
    }
    if (start < text.length) stretches.push({ start, end: text.length, id: -1 })
    return stretches
  }

  #resolve(set: SpecialTokenSet): 'all' | ReadonlySet<string> {
    if (set === 'all') return 'all'
    const names = new Set(set)
    for (const name of names) {
      if (!this.ids.has(name)) throw new TokenizerError('UNKNOWN_SPECIAL_TOKEN', `encode: allowedSpecial and disallowedSpecial must name special tokens, got ${JSON.stringify(name)}; there are: ${this.#list()}`)
    }
    return names
  }

  #refuse(text: string, disallowedSpecial: SpecialTokenSet, allowed: 'all' | ReadonlySet<string>): void {
    if (allowed === 'all') return
    const disallowed = this.#resolve(disallowedSpecial)
    const refused = disallowed === 'all'
      ? allowed.size === 0 ? this.#all : patternOf([...this.ids.keys()].filter((name) => !allowed.has(name)))
      : patternOf([...disallowed].filter((name) => !allowed.has(name)))
    const found = refused === undefined ? null : firstMatch(text, refused)
    if (found !== null) {
      throw new TokenizerError(
        'SPECIAL_TOKEN_IN_TEXT',
        `encode: text must not contain special tokens, got ${JSON.stringify(found)}; pass allowedSpecial: [${JSON.stringify(found)}] to encode it as that token, or disallowedSpecial: [] as plain text`,
      )
    }
  }

  #list(): string {
    const names = [...this.ids.keys()]
    return names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '') || 'none'
  }
}

function firstMatch(text: string, pattern: RegExp): string | null {
  pattern.lastIndex = 0
  return pattern.exec(text)?.[0] ?? null
}

/** A pattern of the given texts, the longest first; undefined if there are none. */
export function patternOf(texts: Iterable<string>): RegExp | undefined {
  const sorted = [...texts].sort((a, b) => b.length - a.length)
  if (sorted.length === 0) return undefined
  return new RegExp(sorted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join('|'), 'g')
}
