// A world small enough to enumerate (research/rlhf.md, section 4): prompts of one letter, responses of at most five tokens ended by END or
// cut, drawn from a Markov chain per prompt; 9,331 responses a prompt. The test owns it: the package only ever sees samples and rewards.
import { RandomStream } from '@abovo/tensor-webgpu'
import type { Example, Sample } from '../src/index.ts'

export const END = 0
export const letters = 6
// no padding token: what stands at padding changes nothing, and every token the model knows is enumerated
export const vocabulary = letters + 1
export const longest = 5
const first = 1   // id of the first letter

export interface World {
  readonly prompts: readonly number[]
  readonly responses: readonly (readonly number[])[]
  /** log p(response | prompt) of the source, in the order of `responses`. */
  sourceLogProbs(prompt: number): Float64Array
  demonstrations(count: number): Example[]
  prompt(): number
}

export function makeWorld(seed: number, drawSeed = seed + 1): World {
  const fixed = new RandomStream(seed)
  const draw = new RandomStream(drawSeed)
  const row = (): number[] => normalize(Array.from({ length: letters }, () => Math.exp(2 * fixed.uniform())))
  const opening = Array.from({ length: letters }, row)
  const following = Array.from({ length: letters }, row)
  const stopping = Array.from({ length: letters }, () => 0.15 + 0.25 * fixed.uniform())

  /** Probabilities of the next token, by id. */
  const next = (prompt: number, response: readonly number[]): number[] => {
    if (response.length === 0) return [0, ...opening[prompt - first]]
    const last = response[response.length - 1] - first
    return [stopping[last], ...following[last].map(p => p * (1 - stopping[last]))]
  }
  const sample = (prompt: number): number[] => {
    const response: number[] = []
    while (response.length < longest && response[response.length - 1] !== END) response.push(pick(next(prompt, response), draw.uniform()))
    return response
  }
  const prompts = Array.from({ length: letters }, (_, i) => first + i)
  const prompt = () => prompts[draw.integer(letters)]
  const responses = enumerate()
  return {
    prompts,
    responses,
    prompt,
    sourceLogProbs: given => Float64Array.from(responses, response => response.reduce((sum, token, t) => sum + Math.log(next(given, response.slice(0, t))[token]), 0)),
    demonstrations: count => Array.from({ length: count }, () => prompt()).map(given => ({ prompt: [given], completion: sample(given) })),
  }
}

/** +1 for every occurrence of the prompt's letter, −1 when the response does not end. */
export const gold = (prompt: number, response: readonly number[]): number => response.filter(token => token === prompt).length - (response.includes(END) ? 0 : 1)
export const goldReward = (samples: readonly Sample[]): number[] => samples.map(sample => gold(sample.promptIds[0], sample.responseIds))

function enumerate(): number[][] {
  let open: number[][] = [[]]
  const all: number[][] = []
  for (let length = 0; length < longest; length++) {
    all.push(...open.map(prefix => [...prefix, END]))
    open = open.flatMap(prefix => Array.from({ length: letters }, (_, i) => [...prefix, first + i]))
  }
  return [...all, ...open]
}

const normalize = (weights: number[]): number[] => {
  const total = weights.reduce((a, b) => a + b)
  return weights.map(weight => weight / total)
}

function pick(probabilities: readonly number[], u: number): number {
  let below = 0
  for (let i = 0; i < probabilities.length; i++) {
    below += probabilities[i]
    if (u < below) return i
  }
  return probabilities.length - 1
}

/** Answers in the order a person of Plackett-Luce's kind would give: Gumbel noise on the scaled gold reward, best first. */
export function rank(prompt: number, answers: readonly (readonly number[])[], scale: number, random: RandomStream): (readonly number[])[] {
  const noisy = answers.map(answer => ({ answer, utility: scale * gold(prompt, answer) - Math.log(-Math.log(Math.max(random.uniform(), 1e-12))) }))
  return noisy.sort((a, b) => b.utility - a.utility).map(({ answer }) => answer)
}

export function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

/** Σ p·f over responses. */
export const expectation = (logProbs: ArrayLike<number>, f: (i: number) => number): number => {
  let total = 0
  for (let i = 0; i < logProbs.length; i++) if (logProbs[i] > -700) total += Math.exp(logProbs[i]) * f(i)
  return total
}

export function logSumExp(values: Float64Array): number {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity)
  return top + Math.log(sum(values.map(value => Math.exp(value - top))))
}
