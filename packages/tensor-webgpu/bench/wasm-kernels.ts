// Best times of attention, row programs and maps on the WASM device, beside a matrix product: `npx tsx bench/wasm-kernels.ts [threads]`.
import { requestWasmDevice } from '../src/devices/wasm/wasm-device.js'
import type { Access, AttentionBackwardKernel, AttentionKernel, Instruction, Kernel, LoopKernel, MatmulKernel } from '../src/plan/kernel.js'

const f32 = { dtype: 'f32', written: false } as const
const out = { dtype: 'f32', written: true } as const
const load = (binding: number, strides: readonly number[]): Instruction => ({ fn: 'load', access: { binding, offset: 0, strides }, dtype: 'f32' })

function attention(b: number, h: number, t: number, s: number, d: number, causal: boolean): AttentionKernel {
  // heads side by side, as a fused projection leaves them
  const rows = (binding: number, n: number): Access => ({ binding, offset: 0, strides: [n * h * d, d, h * d, 1] })
  return {
    kind: 'attention', bindings: [f32, f32, f32, out, out], batch: b, heads: h, kvHeads: h, queries: t, keys: s, headSize: d, scale: d ** -0.5, causal,
    q: rows(0, t), k: rows(1, s), v: rows(2, s), mask: null, lengths: null, out: rows(3, t), lse: { binding: 4, offset: 0, strides: [h * t, t, 1] },
  }
}

function backward(b: number, h: number, t: number, d: number): AttentionBackwardKernel {
  const rows = (binding: number): Access => ({ binding, offset: 0, strides: [t * h * d, d, h * d, 1] })
  const perRow = (binding: number): Access => ({ binding, offset: 0, strides: [h * t, t, 1] })
  return {
    kind: 'attentionBackward', bindings: [f32, f32, f32, f32, f32, f32, out, out, out], batch: b, heads: h, kvHeads: h, queries: t, keys: t, headSize: d, scale: d ** -0.5, causal: true,
    q: rows(0), k: rows(1), v: rows(2), dOut: rows(3), lse: perRow(4), delta: perRow(5), mask: null, dq: rows(6), dk: rows(7), dv: rows(8),
  }
}

const product: MatmulKernel = {
  kind: 'matmul', bindings: [f32, f32, out], batch: [], m: 512, n: 512, k: 512,
  a: { binding: 0, offset: 0, strides: [512, 1] }, b: { binding: 1, offset: 0, strides: [512, 1] },
  body: [{ fn: 'head', dtype: 'f32' }], results: [{ value: 0, access: { binding: 2, offset: 0, strides: [512, 1] } }],
}

const map = (n: number, body: readonly Instruction[], inputs: number): LoopKernel => ({
  kind: 'loop', bindings: [...Array.from({ length: inputs }, () => f32), out], shape: [n], reduced: 0, body,
  results: [{ value: body.length - 1, access: { binding: inputs, offset: 0, strides: [1] } }],
})

const softmax = (rows: number, n: number): LoopKernel => ({
  kind: 'loop', bindings: [f32, out], shape: [rows, n], reduced: 1,
  body: [
    load(0, [n, 1]), { fn: 'reduce', reduce: 'max', args: [0], dtype: 'f32' }, { fn: 'sub', args: [0, 1], dtype: 'f32' }, { fn: 'exp', args: [2], dtype: 'f32' },
    { fn: 'reduce', reduce: 'sum', args: [3], dtype: 'f32' }, { fn: 'div', args: [3, 4], dtype: 'f32' },
  ],
  results: [{ value: 5, access: { binding: 1, offset: 0, strides: [n, 1] } }],
})

const columnSum = (rows: number, n: number): LoopKernel => ({
  kind: 'loop', bindings: [f32, out], shape: [n, rows], reduced: 1, body: [load(0, [1, n]), { fn: 'reduce', reduce: 'sum', args: [0], dtype: 'f32' }],
  results: [{ value: 1, access: { binding: 1, offset: 0, strides: [1, 0] } }],
})

const M = 1 << 20
const cases: readonly [string, Kernel, readonly number[]][] = [
  ['matmul 512³', product, [512 * 512, 512 * 512, 512 * 512]],
  ['attention B8 H4 T128 D32 causal', attention(8, 4, 128, 128, 32, true), [M / 8, M / 8, M / 8, M / 8, 4096]],
  ['attention B1 H12 T1024 D64 causal', attention(1, 12, 1024, 1024, 64, true), [M, M, M, M, 12288]],
  ['attention B1 H12 T1 S1024 D64', attention(1, 12, 1, 1024, 64, true), [768, M, M, 768, 12]],
  ['backward B8 H4 T128 D32 causal', backward(8, 4, 128, 32), [M / 8, M / 8, M / 8, M / 8, 4096, 4096, M / 8, M / 8, M / 8]],
  ['add 1M', map(M, [load(0, [1]), load(1, [1]), { fn: 'add', args: [0, 1], dtype: 'f32' }], 2), [M, M, M]],
  ['exp 1M', map(M, [load(0, [1]), { fn: 'exp', args: [0], dtype: 'f32' }], 1), [M, M]],
  ['geluTanh 1M', map(M, [load(0, [1]), { fn: 'geluTanh', args: [0], dtype: 'f32' }], 1), [M, M]],
  ['tanh 1M', map(M, [load(0, [1]), { fn: 'tanh', args: [0], dtype: 'f32' }], 1), [M, M]],
  ['softmax 1024×1024', softmax(1024, 1024), [M, M]],
  ['softmax 16384×64', softmax(16384, 64), [M, M]],
  ['column sum 1024×1024', columnSum(1024, 1024), [M, 1024]],
  ['column sum 8192×128', columnSum(8192, 128), [M, 128]],
]

const device = await requestWasmDevice({ threads: Number(process.argv[2] ?? 1) })
const wanted = process.argv[3] ?? ''
for (const [name, kernel, lengths] of cases) {
  if (!name.includes(wanted)) continue
  const storages = kernel.bindings.map(({ dtype }, i) => device.allocate(dtype, lengths[i]))
  for (const storage of storages) device.write(storage, Float32Array.from({ length: storage.length }, (_, i) => (((i * 2654435761) >>> 8) & 255) / 256 - 0.5))
  const slots = storages.map(({ dtype, length }, external) => ({ dtype, length, external, block: 0, arenaOffset: 0 }))
  const regions = storages.map(({ length }, slot) => ({ slot, offset: 0, length }))
  const executable = device.preparePlan({ slots, steps: [{ kernel, regions, label: name }], preloads: [], arenaBlocks: [] })
  let best = Infinity
  const end = performance.now() + 400
  while (performance.now() < end) {
    const start = performance.now()
    executable.run(storages)
    best = Math.min(best, performance.now() - start)
  }
  console.log(`${name.padEnd(36)} ${(best * 1000).toFixed(0).padStart(7)} µs`)
  for (const storage of storages) device.free(storage)
}
device.close()
