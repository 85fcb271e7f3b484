// Matching a pattern by backtracking, with a budget of steps: a pattern made to run for years stops with an error instead.
import { TokenizerError } from '../../errors.ts'
import { type CharacterSet, wordCharacter } from './character-set.ts'
import type { PatternEdge, PatternNode } from './node.ts'

/** Steps that every text has, and more for each of its units: hostile patterns end in well under a second. */
const STEPS = 2_000_000
const STEPS_PER_UNIT = 200
/** Nested rounds of a loop; above this the host's own stack would overflow. */
const MAX_DEPTH = 400

/** The end of a match that begins at a place, in UTF-16 units, or -1. */
type Step = (at: number) => number

export class PatternMatcher {
  readonly #root: Step
  readonly #pattern: string
  #text = ''
  #steps = 0
  #depth = 0
  #searchStart = 0

  constructor(node: PatternNode, pattern: string) {
    this.#pattern = pattern
    this.#root = this.#compile(node, (at) => at)
  }

  /** Starts on a text. */
  begin(text: string): void {
    this.#text = text
    this.#steps = STEPS + STEPS_PER_UNIT * text.length
  }

  /** The end of the match that begins at `at` in a search that began at `searchStart`, or -1. Throws TokenizerError 'PATTERN_TOO_SLOW'. */
  match(at: number, searchStart: number): number {
    this.#depth = 0
    this.#searchStart = searchStart
    return this.#root(at)
  }

  #spend(): void {
    if (--this.#steps < 0) throw this.#tooSlow()
  }

  #tooSlow(): TokenizerError {
    const shown = this.#pattern.length > 80 ? `${this.#pattern.slice(0, 80)}…` : this.#pattern
    return new TokenizerError('PATTERN_TOO_SLOW', `pattern: a match must end within its budget of steps, got ${shown}; avoid repeats inside repeats`)
  }

  #compile(node: PatternNode, next: Step): Step {
    switch (node.kind) {
      case 'set': return this.#set(node.set, next)
      case 'sequence': return node.items.reduceRight<Step>((after, item) => this.#compile(item, after), next)
      case 'choice': return this.#choice(node.items.map((item) => this.#compile(item, next)))
      case 'repeat': return this.#repeat(node, next)
      case 'atomic': {
        const item = this.#compile(node.item, (at) => at)
        return (at) => {
          const end = item(at)
          return end < 0 ? -1 : next(end)
        }
      }
      case 'look': return this.#look(node, next)
      case 'edge': return this.#edge(node.edge, next)
    }
  }

  #set(set: CharacterSet, next: Step): Step {
    return (at) => {
      this.#spend()
      const codePoint = this.#text.codePointAt(at)
      return codePoint === undefined || !set(codePoint) ? -1 : next(at + (codePoint > 0xffff ? 2 : 1))
    }
  }

  #choice(items: Step[]): Step {
    return (at) => {
      for (const item of items) {
        this.#spend()
        const end = item(at)
        if (end >= 0) return end
      }
      return -1
    }
  }

  #repeat({ item, min, max, mode }: Extract<PatternNode, { kind: 'repeat' }>, next: Step): Step {
    if (item.kind === 'set') return this.#repeatSet(item.set, min, max, mode, next)
    if (mode === 'possessive') return this.#compile({ kind: 'atomic', item: { kind: 'repeat', item, min, max, mode: 'greedy' } }, next)
    // optional rounds from the last to the first, then the required ones
    let step = max === Infinity ? this.#loop(item, mode === 'lazy', next) : next
    if (max !== Infinity) for (let round = min; round < max; round++) step = this.#optional(item, mode === 'lazy', step, next)
    for (let round = 0; round < min; round++) step = this.#compile(item, step)
    return step
  }

  #optional(item: PatternNode, lazy: boolean, more: Step, next: Step): Step {
    const taken = this.#compile(item, more)
    return this.#choice(lazy ? [next, taken] : [taken, next])
  }

  #loop(item: PatternNode, lazy: boolean, next: Step): Step {
    // where this round began: a round that took nothing ends the loop
    const begun: number[] = []
    const body = this.#compile(item, (at) => begun[begun.length - 1] === at ? -1 : loop(at))
    const once = this.#compile(item, (at) => at)
    const round: Step = (at) => {
      if (this.#depth === MAX_DEPTH) {
        // from here on rounds are not taken back: nobody's pattern needs that hundreds of rounds deep
        let here = at
        for (let end = once(here); end > here; end = once(here)) here = end
        return here === at ? -1 : next(here)
      }
      this.#depth++
      begun.push(at)
      const end = body(at)
      begun.pop()
      this.#depth--
      return end
    }
    const loop: Step = (at) => {
      this.#spend()
      if (lazy) {
        const end = next(at)
        return end >= 0 ? end : round(at)
      }
      const end = round(at)
      return end >= 0 ? end : next(at)
    }
    return loop
  }

  /** The common case, without recursion: a run of one set. */
  #repeatSet(set: CharacterSet, min: number, max: number, mode: 'greedy' | 'lazy' | 'possessive', next: Step): Step {
    const advance = (at: number): number => {
      this.#spend()
      const codePoint = this.#text.codePointAt(at)
      return codePoint === undefined || !set(codePoint) ? -1 : at + (codePoint > 0xffff ? 2 : 1)
    }
    return (at) => {
      let here = at
      let count = 0
      for (; count < min; count++) {
        here = advance(here)
        if (here < 0) return -1
      }
      if (mode === 'lazy') {
        for (; ; count++) {
          const end = next(here)
          if (end >= 0 || count >= max) return end
          here = advance(here)
          if (here < 0) return -1
        }
      }
      const least = here
      for (; count < max; count++) {
        const further = advance(here)
        if (further < 0) break
        here = further
      }
      if (mode === 'possessive') return next(here)
      for (;;) {
        const end = next(here)
        if (end >= 0 || here <= least) return end
        this.#spend()
        here -= isPairEnd(this.#text, here) && here - 2 >= least ? 2 : 1
      }
    }
  }

  #look({ item, behind, negated }: Extract<PatternNode, { kind: 'look' }>, next: Step): Step {
    if (!behind) {
      const inner = this.#compile(item, (at) => at)
      return (at) => (inner(at) >= 0) !== negated ? next(at) : -1
    }
    // tried from every place up to the widest match
    let goal = 0
    const inner = this.#compile(item, (at) => at === goal ? at : -1)
    const { min, max } = widthsOf(item)
    if (max === Infinity) throw new TokenizerError('UNSUPPORTED_PATTERN', `pattern: lookbehind must have a bounded width, got ${this.#pattern.slice(0, 80)}`)
    return (at) => {
      goal = at
      let found = false
      for (let from = at - min; from >= 0 && from >= at - 2 * max && !found; from--) found = inner(from) >= 0
      return found !== negated ? next(at) : -1
    }
  }

  #edge(edge: PatternEdge, next: Step): Step {
    const holds = this.#edgeTest(edge)
    return (at) => holds(at) ? next(at) : -1
  }

  #edgeTest(edge: PatternEdge): (at: number) => boolean {
    switch (edge) {
      case 'start': return (at) => at === 0
      case 'end': return (at) => at === this.#text.length
      case 'line-start': return (at) => at === 0 || this.#text.charCodeAt(at - 1) === 10
      case 'line-end': return (at) => at === this.#text.length || this.#text.charCodeAt(at) === 10
      case 'last-line-end': return (at) => at === this.#text.length || (at === this.#text.length - 1 && this.#text.charCodeAt(at) === 10)
      case 'search-start': return (at) => at === this.#searchStart
      case 'word':
      case 'not-word': {
        const word = wordCharacter()
        const isWord = (at: number): boolean => at >= 0 && at < this.#text.length && word(this.#text.codePointAt(at) ?? 0)
        return (at) => (isWord(isPairEnd(this.#text, at) ? at - 2 : at - 1) !== isWord(at)) === (edge === 'word')
      }
    }
  }
}

/** Whether a surrogate pair ends at `at`. */
function isPairEnd(text: string, at: number): boolean {
  return at >= 2 && (text.charCodeAt(at - 1) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 2) & 0xfc00) === 0xd800
}

/** The least and the most characters a node can match. */
function widthsOf(node: PatternNode): { min: number; max: number } {
  switch (node.kind) {
    case 'set': return { min: 1, max: 1 }
    case 'look':
    case 'edge': return { min: 0, max: 0 }
    case 'atomic': return widthsOf(node.item)
    case 'repeat': {
      const { min, max } = widthsOf(node.item)
      return { min: min * node.min, max: max === 0 ? 0 : max * node.max }
    }
    case 'sequence': return node.items.map(widthsOf).reduce((sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }), { min: 0, max: 0 })
    case 'choice': return node.items.map(widthsOf).reduce((all, { min, max }) => ({ min: Math.min(all.min, min), max: Math.max(all.max, max) }), { min: Infinity, max: 0 })
  }
}
