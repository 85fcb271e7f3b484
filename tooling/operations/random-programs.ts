// Random programs against PyTorch: every result and every gradient on the reference, then on another device against the reference.
//   pnpm --silent operations random-programs --python PYTHON [--count 1000] [--seed 1] [--length 8] [--device wasm | webgpu | reference] [--adapter 0]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { grad } from '@abovo/autograd'
import { testAdapters } from '@abovo/test-devices'
import { compile, requestDevice, tensor, zeros, type Device, type DeviceKind, type Tensor } from '@abovo/tensor-webgpu'
import { drawProgram, leafOn, valuesOn, type Program } from './src/random-program.js'

interface Answer {
  readonly error?: string
  readonly results?: readonly { shape: number[]; dtype: string; values: (number | string)[] }[]
  readonly gradients?: readonly (number | string)[][]
}

const { values: options } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' }, length: { type: 'string', default: '8' }, device: { type: 'string', default: 'wasm' }, adapter: { type: 'string', default: '0' } } })
const kinds: readonly DeviceKind[] = ['wasm', 'webgpu', 'reference']
const kind = kinds.find(one => one === options.device) ?? 'wasm'
const reference = await requestDevice('reference')
// in Node a software adapter: hardware is not what is tested here
const adapters = kind === 'webgpu' ? await testAdapters() : []
const device = kind === 'reference' ? null : await requestDevice(kind, kind === 'webgpu' ? { gpu: adapters[Number(options.adapter)].gpu } : { threads: 1 })

const first = Number(options.seed)
const programs = Array.from({ length: Number(options.count) }, (_, i) => drawProgram(first + i, Number(options.length), reference))
const input = programs.map(({ leaves, steps }) => JSON.stringify({ leaves, steps: steps.map(step => step.torch) })).join('\n')
const python = spawnSync(options.python, [fileURLToPath(new URL('random_programs.py', import.meta.url))], { input, maxBuffer: 2 ** 30 })
const answers: Answer[] = python.stdout.toString().trim().split('\n').map(line => JSON.parse(line))

/** Every float result with weights that differ from element to element, and the gradients by the float leaves. */
function computed(program: Program, leaves: readonly Tensor[]): { results: Tensor[]; gradients: Tensor[] } {
  const results = valuesOn(program, leaves).slice(leaves.length)
  const weighted = results.filter(({ dtype }) => dtype === 'f32').map(result => result.mul(tensor(Float64Array.from({ length: result.size }, (_, i) => Math.cos(i * 1.7 + 0.3)), { shape: result.shape, device: result.device })).sum())
  const total = weighted.reduce((sum, one) => sum.add(one), zeros([], { device: leaves[0].device }))
  return { results, gradients: grad(total, leaves.filter(({ dtype }) => dtype === 'f32'), { allowUnused: true }) }
}

const off = (got: number, want: number): number => (Object.is(got, want) || got === want ? 0 : Math.abs(got - want) / Math.max(1, Math.abs(want)))

function worst(got: ArrayLike<number>, want: readonly number[]): number {
  if (got.length !== want.length) return Infinity
  const worstElement = want.reduce((most, value, i) => Math.max(most, Number.isFinite(value) || Number.isFinite(got[i]) ? off(got[i], value) : Number.isNaN(value) === Number.isNaN(got[i]) ? 0 : Infinity), 0)
  return Number.isNaN(worstElement) ? Infinity : worstElement
}

async function check(program: Program, answer: Answer): Promise<string | null> {
  if (answer.error !== undefined) return `PyTorch: ${answer.error}`
  const own = computed(program, program.leaves.map(leaf => leafOn(leaf, reference)))
  const all = [...own.results, ...own.gradients]
  const wanted = [...(answer.results ?? []).map(({ values }) => values), ...(answer.gradients ?? [])]
  const exact: number[][] = []
  for (const [i, value] of all.entries()) {
    const theirs = answer.results?.[i]
    if (theirs !== undefined && (theirs.shape.join() !== value.shape.join() || theirs.dtype !== value.dtype)) return `step ${i}: (${value.shape.join()}) ${value.dtype}, PyTorch (${theirs.shape.join()}) ${theirs.dtype}`
    exact.push([...(await value.data())])
    const distance = worst(exact[i], wanted[i].map(Number))
    if (distance > 1e-8) return `${i < own.results.length ? `step ${i}` : `gradient ${i - own.results.length}`} on the reference is off by ${distance}`
  }
  return device === null ? null : compareFast(program, exact, own.results.length, device)
}

/** Steps of floor, sign, comparisons and sorts turn a rounding into another value: only what is far off and not explained by one counts. */
async function compareFast(program: Program, exact: readonly (readonly number[])[], count: number, fast: Device): Promise<string | null> {
  const together = compile((leaves: readonly Tensor[]) => {
    const { results, gradients } = computed(program, leaves)
    return [...results, ...gradients]
  }, { device: fast })
  const got = together(program.leaves.map(leaf => leafOn(leaf, fast)))
  for (const [i, value] of got.entries()) {
    const scale = Math.max(1, ...exact[i].filter(Number.isFinite).map(Math.abs))
    const distance = worst([...(await value.data())].map(x => x / scale), exact[i].map(x => x / scale))
    if (distance > 2e-3) return `${i < count ? `step ${i}` : `gradient ${i - count}`} on ${fast.kind} is off by ${distance}`
  }
  together.dispose()
  return null
}

let failed = 0
for (const [i, program] of programs.entries()) {
  let problem: string | null
  try {
    problem = await check(program, answers[i])
  } catch (error) {
    problem = String(error)
  }
  if (problem === null) continue
  failed++
  process.stdout.write(`${JSON.stringify({ seed: program.seed, problem, leaves: program.leaves.map(({ shape, dtype }) => `(${shape.join()}) ${dtype}`), steps: program.steps.map(step => step.torch) })}\n`)
}
process.stdout.write(`${JSON.stringify({ programs: programs.length, failed })}\n`)
process.exit(0)
