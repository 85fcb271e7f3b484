// What 128-bit SIMD can give one thread of this engine on this machine: a loop of nothing but multiply and add in registers. The yardstick of
// `bench matmul`, measured in the same run, since such figures from another machine or another minute say nothing.

const ACCUMULATORS = 12
const ROUNDS = 1 << 20
const LANES = 4
const FLOPS = 2 * LANES * ACCUMULATORS * ROUNDS

const unsigned = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)])
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content]
const name = (text: string): number[] => [...unsigned(text.length), ...Array.from(text, letter => letter.charCodeAt(0))]
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]

const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const MULTIPLY = simd(230)   // f32x4.mul
const ADD = simd(228)        // f32x4.add
const SPLAT = simd(19)       // f32x4.splat

/**
 * `run(x: f32, rounds: i32) → f32`: twelve chains s ← s·x + x, so that no instruction waits for the one before it. They begin with different
 * numbers and their sum is returned, so that nothing can be left out or done once for all.
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [x, rounds, factor, first] = [0, 1, 2, 3]
  const sums = Array.from({ length: ACCUMULATORS }, (_, i) => first + i)
  const step = sums.flatMap(sum => [...get(sum), ...get(factor), ...MULTIPLY, ...get(factor), ...ADD, ...set(sum)])
  const loop = [0x03, 0x40, ...step, ...get(rounds), 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, 0x0b]
  const total = [...get(first), ...sums.slice(1).flatMap(sum => [...get(sum), ...ADD])]
  const start = [...get(x), ...SPLAT, ...set(factor), ...sums.flatMap(sum => [...get(sum - 1), ...get(factor), ...ADD, ...set(sum)])]
  const body = [...start, ...loop, ...total, ...simd(31), 0, 0x0b]   // f32x4.extract_lane 0
  const code = [...vector([[...unsigned(1 + ACCUMULATORS), 0x7b]]), ...body]
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector([[0x60, ...vector([[0x7d], [0x7f]]), ...vector([[0x7d]])]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name('run'), 0, 0]])),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ])
}

/** GFLOP/s of one thread, the best of several turns. */
export function simdPeak(turns = 12): number {
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes())).exports
  if (typeof run !== 'function') throw new Error('simdPeak: the module must export run')
  let best = Infinity
  for (let i = 0; i < turns; i++) {
    const start = performance.now()
    run(1e-9, ROUNDS)
    best = Math.min(best, performance.now() - start)
  }
  return FLOPS / best / 1e6
}
