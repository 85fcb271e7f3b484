// A pattern as a tree.
import type { CharacterSet } from './character-set.ts'

export type PatternNode =
  | { kind: 'set'; set: CharacterSet }
  | { kind: 'sequence'; items: PatternNode[] }
  | { kind: 'choice'; items: PatternNode[] }
  | { kind: 'repeat'; item: PatternNode; min: number; max: number; mode: 'greedy' | 'lazy' | 'possessive' }
  | { kind: 'atomic'; item: PatternNode }
  | { kind: 'look'; item: PatternNode; behind: boolean; negated: boolean }
  | { kind: 'edge'; edge: PatternEdge }

/** Places between characters. 'search-start' is where the last match ended. */
export type PatternEdge = 'start' | 'end' | 'line-start' | 'line-end' | 'last-line-end' | 'search-start' | 'word' | 'not-word'
