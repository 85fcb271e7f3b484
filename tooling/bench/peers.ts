// The training step and its parts beside other libraries: the same work in the same run, one process at a time. JSON lines, then Markdown tables.
//   pnpm --silent bench peers [--rounds 3] [--only wasm,webgpu] [--measures gpt-step,matmul] [--adapter lavapipe] [--python python3]
// The libraries are npm packages, installed on first use into tooling/peers/step; PyTorch takes part where `--python` has it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requestDevice } from '@abovo/tensor-webgpu'
import { readArguments } from './instruments/bench-device.js'
import { SMALL } from './instruments/gpt-minimum.js'
import { gptTraining } from './instruments/gpt-training.js'
import { peerTable, type PeerResult } from './instruments/peer-table.js'

const values = readArguments({
  rounds: { type: 'string', default: '2' },
  only: { type: 'string', default: 'wasm,webgpu' },
  measures: { type: 'string', default: 'matmul,softmax,layer-norm,attention,gpt-step' },
  python: { type: 'string', default: 'python3' },
})
const adapter = values.adapter ?? 'lavapipe'
const measures = values.measures.split(',')
const peersFolder = fileURLToPath(new URL('../peers/step/', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

if (!existsSync(join(peersFolder, 'node_modules'))) {
  console.error('bench peers: installing the other libraries, once')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peersFolder, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`bench peers: the libraries must be installable, got exit status ${status ?? 'none'}; run npm ci in tooling/peers/step`)
}

/** The lines that a program prints; none where it ends badly, which is said and does not stop the others. */
function run(command: string, args: readonly string[], environment: Record<string, string> = {}): Record<string, unknown>[] {
  const child = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.status !== 0) console.error(`bench peers: ${[command, ...args].slice(-2).join(' ')} ended with ${child.status ?? child.signal ?? child.error?.message}: ${child.stderr?.split('\n').find(line => line.includes('Error')) ?? ''}`)
  return (child.stdout ?? '').split('\n').filter(line => line.startsWith('{')).map((line): Record<string, unknown> => JSON.parse(line))
}

const node = (program: string, args: readonly string[] = [], environment: Record<string, string> = {}): Record<string, unknown>[] => run(process.execPath, [...process.execArgv, program, ...args], environment)
const number = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN)

/** Our own benchmarks, in the words of the peers. */
function own(device: string, threads: number): PeerResult[] {
  const args = ['--device', device, ...(device === 'wasm' ? ['--threads', String(threads)] : ['--adapter', adapter])]
  const tag = { library: 'Ab ovo', device, threads }
  return measures.flatMap((measure): PeerResult[] => {
    const [line] = node(join(here, `${measure}.ts`), measure === 'matmul' ? [...args, '--sizes', '512,1024'] : args)
    if (line === undefined) return []
    switch (measure) {
      case 'matmul': {
        const results: unknown = line['results']
        return Array.isArray(results) ? results.map(({ n, gflops }) => ({ ...tag, measure: `matmul ${number(n)}`, value: number(gflops.ab) })) : []
      }
      case 'attention':
        return [{ ...tag, measure: 'attention forward', value: number(line['forward_ms']) }, { ...tag, measure: 'attention both', value: number(line['both_ms']) }]
      case 'gpt-step': {
        const counts = device === 'webgpu' ? { dispatches: number(line['dispatches']), submits: number(line['submits']), buffers: number(line['buffers_created']), peak_mb: Math.round(number(line['peak_bytes']) / 1e6) } : {}
        return [{ ...tag, measure, value: number(line['ms_per_step']), first_step_ms: Math.round(number(line['first_step_ms'])), ...counts, losses: lossesOf(line['losses']) }]
      }
      default:
        return [{ ...tag, measure, value: number(line['ms']) }]
    }
  })
}

const lossesOf = (value: unknown): number[] => (Array.isArray(value) ? value.slice(0, 3).map(number) : [])

function peer(program: string, environment: Record<string, string>): PeerResult[] {
  const shared = { STEP_PARAMETERS: parametersFile, STEP_MEASURES: measures.join(), STEP_ADAPTER: adapter, ...environment }
  const lines = program.endsWith('.py') ? run(values.python, [join(peersFolder, program)], shared) : node(join(peersFolder, program), [], shared)
  return lines.map(({ losses, ...line }) => ({ ...line, library: String(line['library']), device: String(line['device']), threads: number(line['threads']), measure: String(line['measure']), value: number(line['value']), ...(losses === undefined ? {} : { losses: lossesOf(losses) }) }))
}

async function writeParameters(file: string): Promise<void> {
  const device = await requestDevice('wasm', { threads: 1 })
  const { parameters } = gptTraining(SMALL, device)
  const saved = await Promise.all(Object.entries(parameters).map(async ([name, parameter]) => {
    const { buffer, byteOffset, byteLength } = await parameter.data()
    return { name, shape: parameter.shape, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }))
  writeFileSync(file, JSON.stringify({ parameters: saved }))
}

const folder = mkdtempSync(join(tmpdir(), 'abovo-peers-'))
const parametersFile = join(folder, 'parameters.json')
await writeParameters(parametersFile)

const runs: Record<string, (() => PeerResult[])[]> = {
  wasm: [
    () => own('wasm', 2),
    () => own('wasm', 1),
    () => peer('jax-js.mjs', { STEP_DEVICE: 'wasm' }),
    () => peer('tfjs.mjs', { STEP_DEVICE: 'wasm' }),
    ...[2, 1].map(threads => () => peer('onnxruntime-web.mjs', { STEP_THREADS: String(threads) })),
    ...[2, 1].map(threads => () => peer('pytorch.py', { STEP_THREADS: String(threads) })),
  ],
  webgpu: [() => own('webgpu', 1), () => peer('jax-js.mjs', { STEP_DEVICE: 'webgpu' }), () => peer('tfjs.mjs', { STEP_DEVICE: 'webgpu' })],
}

/** A library that loses otherwise does other work, or does it wrongly: its time means nothing. */
function sameLosses({ library, losses = [] }: PeerResult, [{ losses: expected = [] }]: readonly PeerResult[]): boolean {
  const same = losses.every((loss, i) => Math.abs(loss - (expected[i] ?? loss)) < 1e-3)
  if (!same) console.error(`bench peers: losses must be as ours, ${expected.join(', ')}, got ${losses.join(', ')} from ${library}; left out`)
  return same
}

for (const device of values.only.split(',')) {
  const results: PeerResult[] = []
  const steps: PeerResult[] = []
  for (let round = 0; round < Number(values.rounds); round++)
    for (const measure of runs[device] ?? []) {
      const found = measure()
      for (const result of found) console.log(JSON.stringify(result))
      steps.push(...found.filter(result => result.measure === 'gpt-step'))
      results.push(...found.filter(result => result.measure !== 'gpt-step' || sameLosses(result, steps)))
    }
  console.log(`\n${peerTable(results, device === 'wasm' ? 'CPU' : `WebGPU on ${adapter}`)}\n`)
}
rmSync(folder, { recursive: true })
process.exit(0)
