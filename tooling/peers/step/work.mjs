// The work that every library is given: sizes, numbers, how it is timed and reported. No library.
import { readFileSync } from 'node:fs'

/** The GPT that `pnpm bench gpt-step` measures, of which the file named in STEP_PARAMETERS has the initial parameters. */
export const GPT = { L: 4, C: 128, H: 4, T: 128, B: 8, V: 512 }
export const ATTENTION = { B: 4, H: 4, T: 256, D: 64 }
export const ADAMW = { rate: 3e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, decay: 0.1, clip: 1 }
export const ROWS = 1024
export const MATMULS = [512, 1024]

/** Which measures to take, of matmul, softmax, layer-norm, attention, gpt-step. */
const wanted = process.env.STEP_MEASURES?.split(',')
export const wants = (measure) => wanted === undefined || wanted.includes(measure)

/** @returns {{ name: string, shape: number[], data: Float32Array }[]} by the names of GPT-2's checkpoints */
export function initialParameters() {
  const { parameters } = JSON.parse(readFileSync(process.env.STEP_PARAMETERS, 'utf8'))
  return parameters.map(({ name, shape, base64 }) => {
    const bytes = Buffer.from(base64, 'base64')
    return { name, shape, data: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) }
  })
}

/** Ids and targets (B · T), the same as in tooling/bench/instruments/gpt-training.ts. */
export function batch() {
  const { B, T, V } = GPT
  const ids = Int32Array.from({ length: B * T }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 8) % V)
  return { ids, targets: ids.map((id) => (id * 7 + 3) % V) }
}

/** Numbers around 0, the same at every run. */
export function numbers(length, seed) {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** Milliseconds of `work`, the best of several turns after two that are not counted. */
export async function best(work, { least = 7, budgetMs = 4000 } = {}) {
  await work()
  await work()
  const start = performance.now()
  let shortest = Infinity
  for (let turn = 0; turn < 200 && (turn < least || performance.now() - start < budgetMs / 2); turn++) {
    const from = performance.now()
    await work()
    shortest = Math.min(shortest, performance.now() - from)
    if (turn >= 2 && performance.now() - start > budgetMs) break
  }
  return shortest
}

export const gflops = (n, ms) => (2 * n ** 3) / ms / 1e6

/** One result a line; `tooling/bench/peers.ts` makes the table. */
export function reporter(library, device, threads) {
  return (measure, value, more = {}) => console.log(JSON.stringify({ library, device, threads, measure, value: Number(value.toPrecision(4)), ...more }))
}
