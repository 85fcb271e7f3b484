// run.json: a run's settings and what happened in it. Read with suspicion, since it may come from a file that someone else made.
import type { Point, RunReport, RunSettings, Sample } from '../protocol.ts'

type Story = Omit<RunReport, 'parameters' | 'trainable'>

export function writeStory({ settings, text, step, points, validation, bitsPerByte, samples }: RunReport): Uint8Array {
  const pairs = (list: readonly Point[]): number[][] => list.map(point => [point.step, Number(point.loss.toPrecision(6))])
  const story = { format: 'ab-ovo-playground', version: 1, settings, text, step, bitsPerByte, samples, points: pairs(points), validation: pairs(validation) }
  return new TextEncoder().encode(JSON.stringify(story))
}

/** Null where it is no story, or of a later version. */
export function readStory(bytes: Uint8Array): Story | null {
  const story = parse(bytes)
  if (!isObject(story) || story['format'] !== 'ab-ovo-playground' || story['version'] !== 1) return null
  const settings = settingsIn(story['settings'])
  if (settings === null || typeof story['text'] !== 'string') return null
  return {
    settings,
    text: story['text'].slice(0, 200),
    step: Number(story['step']) || 0,
    points: pointsIn(story['points']),
    validation: pointsIn(story['validation']),
    bitsPerByte: typeof story['bitsPerByte'] === 'number' ? story['bitsPerByte'] : null,
    samples: samplesIn(story['samples']),
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

function settingsIn(value: unknown): RunSettings | null {
  if (!isObject(value)) return null
  const number = (name: keyof RunSettings): number => {
    const found = value[name]
    return typeof found === 'number' && Number.isFinite(found) && found > 0 ? found : NaN
  }
  const settings = {
    vocabSize: number('vocabSize'), nLayer: number('nLayer'), nHead: number('nHead'), nEmbd: number('nEmbd'), nPositions: number('nPositions'),
    batchSize: number('batchSize'), steps: number('steps'), lr: number('lr'), seed: number('seed'),
  }
  return Object.values(settings).some(Number.isNaN) ? null : settings
}

function pointsIn(value: unknown): Point[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((pair: unknown): Point[] => {
    const [step, loss]: unknown[] = Array.isArray(pair) ? pair : []
    return typeof step === 'number' && typeof loss === 'number' ? [{ step, loss }] : []
  })
}

function samplesIn(value: unknown): Sample[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((sample: unknown): Sample[] => {
    if (!isObject(sample)) return []
    const { step, text } = sample
    return typeof step === 'number' && typeof text === 'string' ? [{ step, text }] : []
  })
}
