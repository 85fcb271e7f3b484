import { expect, test } from 'vitest'
import { withAdvantages, type Sample, type ScoredExperience } from '../src/index.ts'

const sample = (length: number): Sample => ({ prompt: '', response: '', promptIds: [2], responseIds: Array.from({ length }, () => 3), ended: true })
const experience = (logProbs: number[], referenceLogProbs: number[], values: number[], score: number): ScoredExperience => ({
  sample: sample(logProbs.length), score, logProbs: Float64Array.from(logProbs), referenceLogProbs: Float64Array.from(referenceLogProbs), values: Float64Array.from(values),
})
const two = { experiences: [experience([-1, -2], [-1.5, -1], [0, 0], 3), experience([-1], [-1], [0.5], 1)] }
const raw = { gamma: 1, lambda: 1, whitenAdvantages: 'off' as const }

test('the KL penalty stands on every token and the score on the last one', () => {
  const { experiences } = withAdvantages(two, { ...raw, klCoefficient: 0.1 })
  expect([...experiences[0].penalties]).toEqual([-0.05, 0.1])
  expect(experiences[0].returns[1]).toBeCloseTo(3.1, 12)
  expect(experiences[0].returns[0]).toBeCloseTo(3.05, 12)
  expect([...experiences[1].advantages]).toEqual([0.5])
})

test('advantages are whitened over all tokens of the batch together', () => {
  const { experiences } = withAdvantages(two, { klCoefficient: 0.1 })
  const all = experiences.flatMap(({ advantages }) => Array.from(advantages))
  expect(all.reduce((a, b) => a + b)).toBeCloseTo(0, 10)
  expect(all.reduce((sum, a) => sum + a * a, 0) / all.length).toBeCloseTo(1, 6)
})

test('whitened rewards keep their mean', () => {
  const plain = withAdvantages(two, { ...raw, klCoefficient: 0, lambda: 1 })
  const scaled = withAdvantages(two, { ...raw, klCoefficient: 0, whitenRewards: true })
  const total = (batch: typeof plain) => batch.experiences.reduce((sum, { returns }) => sum + returns[0], 0)
  expect(total(scaled)).toBeCloseTo(total(plain), 10)
})

test('a coefficient of zero leaves the score alone', () => {
  expect(withAdvantages(two, { ...raw, klCoefficient: 0 }).experiences[0].returns[0]).toBe(3)
})
