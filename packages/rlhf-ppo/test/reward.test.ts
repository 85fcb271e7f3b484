import { expect, test } from 'vitest'
import { RewardError, scoreSamples, withMissingEnd, type Sample } from '../src/index.ts'

const samples: Sample[] = Array.from({ length: 7 }, (_, i) => ({ prompt: `p${i}`, response: `r${i}`, promptIds: [i], responseIds: [i, 1], ended: i % 2 === 0 }))
const failure = async (promise: Promise<unknown>): Promise<RewardError> => {
  const error = await promise.then(() => null, reason => reason)
  expect(error).toBeInstanceOf(RewardError)
  return error
}

test('a function, an asynchronous function and a scorer are all rewards', async () => {
  const want = Float64Array.from([0, 1, 2, 3, 4, 5, 6])
  const index = (part: readonly Sample[]) => part.map(sample => sample.promptIds[0])
  expect(await scoreSamples(index, samples)).toEqual(want)
  expect(await scoreSamples(async part => index(part), samples)).toEqual(want)
  expect(await scoreSamples({ score: async part => index(part) }, samples)).toEqual(want)
})

test.each([0, 3, 6])('a reward that throws on sample %s is told so', async culprit => {
  const error = await failure(
    scoreSamples(part => {
      if (part.some(sample => sample.prompt === `p${culprit}`)) throw new Error('no oracle')
      return part.map(() => 0)
    }, samples),
  )
  expect(error.sample).toBe(culprit)
  expect(error.message).toContain(`threw no oracle for sample ${culprit} (prompt "p${culprit}"`)
  expect(error.cause).toBeInstanceOf(Error)
})

test.each([NaN, Infinity])('%s names its sample', async bad => {
  expect((await failure(scoreSamples(part => part.map((_, i) => (i === 4 ? bad : 0)), samples))).sample).toBe(4)
})

test('too few rewards are refused', async () => {
  expect((await failure(scoreSamples(() => [1], samples))).message).toContain('got 1 for 7 samples')
  expect((await failure(scoreSamples(() => JSON.parse('null'), samples))).message).toContain('one number per sample, got null; does the function return them?')
})

test('a missing end costs a penalty or replaces the score', () => {
  const scores = Float64Array.from([2, 2])
  expect([...withMissingEnd(scores, samples, {})]).toEqual([2, 2])
  expect([...withMissingEnd(scores, samples, { penalty: 1 })]).toEqual([2, 1])
  expect([...withMissingEnd(scores, samples, { replacement: -1 })]).toEqual([2, -1])
})
