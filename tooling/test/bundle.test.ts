// What a page ships: ten operations on one device, bundled by Vite from the sources. Nothing of the other devices, and no kernels that it has no use for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { root } from '../bootstrap/set-up.mjs'

interface Chunk {
  type: 'chunk' | 'asset'
  fileName: string
  code?: string
  imports?: string[]
  isEntry?: boolean
  facadeModuleId?: string | null
  moduleIds?: string[]
}
type Build = (config: object) => Promise<{ output: Chunk[] }>

// Vite is vitest's own
const vite: { build: Build } = await import(createRequire(createRequire(import.meta.url).resolve('vitest')).resolve('vite'))
const scratchHome = join(root, 'tooling/node_modules/.bundle')
mkdirSync(scratchHome, { recursive: true })
const scratch = mkdtempSync(join(scratchHome, 'page-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const page = (device: string): string => `
import { crossEntropy, embedding, layerNorm, requestDevice, scaledDotProductAttention, tensor } from '@abovo/tensor-webgpu'
await requestDevice('${device}')
const x = layerNorm(embedding(tensor([1, 2], { dtype: 'i32' }), tensor([[1, 2], [3, 4], [5, 6]])))
const h = x.matmul(x.transpose()).add(1).gelu().softmax(-1)
const q = h.reshape([1, 1, 2, 2])
document.title = String(await crossEntropy(scaledDotProductAttention(q, q, q).reshape([2, 2]), tensor([0, 1], { dtype: 'i32' })).item())
`

/** The chunks that a page loads when it asks for one device: the entry, the device's, and what they import. */
async function loaded(device: 'webgpu' | 'wasm' | 'reference'): Promise<Chunk[]> {
  const entry = join(scratch, `${device}.js`)
  writeFileSync(entry, page(device))
  const { output } = await vite.build({
    root: scratch, configFile: false, logLevel: 'silent',
    resolve: { conditions: ['@abovo/source', 'module', 'browser', 'import', 'default'] },
    build: { write: false, target: 'es2022', modulePreload: false, rollupOptions: { input: entry, external: ['webgpu'] } },
  })
  const chunks = new Map(output.filter(({ type }) => type === 'chunk').map(chunk => [chunk.fileName, chunk]))
  const wanted = [...chunks.values()].filter(chunk => chunk.isEntry === true || (chunk.facadeModuleId ?? '').endsWith(`${device}-device.ts`)).map(chunk => chunk.fileName)
  for (const name of wanted) for (const imported of chunks.get(name)?.imports ?? []) if (!wanted.includes(imported)) wanted.push(imported)
  return wanted.flatMap(name => chunks.get(name) ?? [])
}

// 60 kB was the aim; what a plan that fuses more and kernels for more shapes take is above it, and may not grow further unseen
const budget = { webgpu: 67_500, wasm: 63_500, reference: 60_000 } as const
test.each(['webgpu', 'wasm', 'reference'] as const)('ten operations on %s ship little and nothing of the other devices', async device => {
  const chunks = await loaded(device)
  const bytes = chunks.reduce((sum, { code = '' }) => sum + gzipSync(code, { level: 9 }).length, 0)
  process.stdout.write(`${JSON.stringify({ device, gzip: bytes, chunks: chunks.length })}\n`)
  const foreign = chunks.flatMap(({ moduleIds = [] }) => moduleIds).filter(id => /\/devices\/(webgpu|wasm|reference)\//.test(id) && !id.includes(`/devices/${device}/`))
  expect(foreign).toEqual([])
  // no gradients, no drawing of tokens, no table of the plan, no tuner, no splitting of what is larger than a binding
  const idle = chunks.flatMap(({ moduleIds = [] }) => moduleIds).filter(id => /kernels\/(attention-backward|categorical)|plan\/(explain|cost|fit-bindings)|tuning\/(tune|tuning|measure)\./.test(id))
  expect(idle).toEqual([])
  expect(chunks.some(({ moduleIds = [] }) => moduleIds.some(id => id.includes(`/devices/${device}/`)))).toBe(true)
  expect(bytes).toBeLessThanOrEqual(budget[device])
}, 60_000)
