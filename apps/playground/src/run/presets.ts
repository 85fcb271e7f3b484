// Sizes of model to choose from. Each must show something within a minute or so on the machine it is meant for.
import type { RunSettings } from '../protocol.ts'

export type PresetName = 'tiny' | 'small' | 'medium'

type Shape = Omit<RunSettings, 'vocabSize' | 'seed'>

export const presets: Readonly<Record<PresetName, Shape>> = {
  tiny: { nLayer: 2, nHead: 2, nEmbd: 64, nPositions: 64, batchSize: 8, steps: 1500, lr: 3e-3 },
  small: { nLayer: 4, nHead: 4, nEmbd: 128, nPositions: 96, batchSize: 8, steps: 1500, lr: 2e-3 },
  medium: { nLayer: 6, nHead: 6, nEmbd: 192, nPositions: 128, batchSize: 12, steps: 3000, lr: 1e-3 },
}

export const presetNames = ['tiny', 'small', 'medium'] as const

export const LEAST_VOCABULARY = 257
export const MOST_VOCABULARY = 4096

/** Large enough to make words, small enough that each token is seen often. A syllable of Hangul is three bytes, so two merges come before it. */
export function suitableVocabulary({ characters, letters }: { characters: number; letters: number }): number {
  const wanted = LEAST_VOCABULARY + 2 * letters + 1.5 * Math.sqrt(characters)
  return Math.min(1536, Math.max(320, Math.round(wanted / 64) * 64))
}
