// GFLOP/s of matrix products on the WASM device, best of many: `npx tsx bench/wasm-matmul.ts [threads…]`.
import { requestWasmDevice } from '../src/devices/wasm/wasm-device.js'
import type { MatmulKernel } from '../src/plan/kernel.js'

const f32 = { dtype: 'f32', written: false } as const
const out = { dtype: 'f32', written: true } as const

const product = (m: number, k: number, n: number, transposeA: boolean, transposeB: boolean): MatmulKernel => ({
  kind: 'matmul',
  bindings: [f32, f32, out],
  batch: [],
  m,
  n,
  k,
  a: { binding: 0, offset: 0, strides: transposeA ? [1, m] : [k, 1] },
  b: { binding: 1, offset: 0, strides: transposeB ? [1, k] : [n, 1] },
  body: [{ fn: 'head', dtype: 'f32' }],
  results: [{ value: 0, access: { binding: 2, offset: 0, strides: [n, 1] } }],
})

const cases: readonly [string, MatmulKernel][] = [
  ...[256, 512, 1024].map((n): [string, MatmulKernel] => [`${n}³`, product(n, n, n, false, false)]),
  ['512³ AᵀB', product(512, 512, 512, true, false)],
  ['512³ ABᵀ', product(512, 512, 512, false, true)],
  ['1024×128×512', product(1024, 128, 512, false, false)],
  ['1024×512×128', product(1024, 512, 128, false, true)],
  ['128×1024×512 AᵀB', product(128, 1024, 512, true, false)],
  ['128×1024×128 AᵀB', product(128, 1024, 128, true, false)],
  ['1×768×768', product(1, 768, 768, false, false)],
  ['1×768×768 ABᵀ', product(1, 768, 768, false, true)],
  ['8×768×768', product(8, 768, 768, false, false)],
]

const threads = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 2]
for (const count of threads) {
  const device = await requestWasmDevice({ threads: count })
  for (const [name, kernel] of cases) {
    const { m, k, n } = kernel
    const storages = [m * k, k * n, m * n].map(length => device.allocate('f32', length))
    for (const storage of storages) device.write(storage, Float32Array.from({ length: storage.length }, (_, i) => (((i * 2654435761) >>> 8) & 255) / 256 - 0.5))
    const slots = storages.map(({ length }, external) => ({ dtype: 'f32' as const, length, external, block: 0, arenaOffset: 0 }))
    const executable = device.preparePlan({ slots, steps: [{ kernel, regions: storages.map(({ length }, slot) => ({ slot, offset: 0, length })), label: name }], preloads: [], arenaBlocks: [] })
    let best = Infinity
    const end = performance.now() + 500
    while (performance.now() < end) {
      const start = performance.now()
      executable.run(storages)
      best = Math.min(best, performance.now() - start)
    }
    console.log(`${count} threads  ${name.padEnd(18)} ${((2 * m * k * n) / best / 1e6).toFixed(1).padStart(6)} GFLOP/s  ${(best * 1000).toFixed(0).padStart(7)} µs`)
  }
  device.close()
}
