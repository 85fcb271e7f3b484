// Layers, losses and optimizers against PyTorch's numbers, on every device this machine has. They are built from operations here, so what is
// tested is tensor-webgpu and autograd alone.
//   pnpm --silent conformance layers DIR        DIR holds layers.json and layers.safetensors
// One JSON line per case and device, {"case","device","max_abs","max_rel_grad"}, and a last line {"cases","failed"}.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors } from '@abovo/nn-transformer'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { testAdapters } from '@abovo/test-devices'
import { compare, type Report, type Tolerance } from './layers/compare.ts'
import { runLayer } from './layers/layer-case.ts'
import { readCases, type LayerCase } from './layers/layer-file.ts'
import { runOptimizer } from './layers/optimizer-case.ts'

interface TestedDevice {
  readonly device: Device
  readonly adapter?: string
  readonly tolerance: Tolerance
}

function stop(message: string): never {
  console.error(`conformance layers: ${message}`)
  process.exit(2)
}

async function openDevices(): Promise<TestedDevice[]> {
  const exact = { absolute: 1e-5, relative: 1e-4 }
  const devices: TestedDevice[] = [
    { device: await requestDevice('reference'), tolerance: exact },
    { device: await requestDevice('wasm'), tolerance: exact },
  ]
  const adapters = await testAdapters()
  for (const { name, gpu } of adapters) devices.push({ device: await requestDevice('webgpu', { gpu }), adapter: name, tolerance: { absolute: 5e-5, relative: 5e-4 } })
  if (adapters.length === 0) console.error('conformance layers: no WebGPU adapter here, webgpu is not checked')
  return devices
}

async function run(one: LayerCase, { device, tolerance }: TestedDevice): Promise<Report> {
  const pairs = one.info['optimizer'] === undefined ? await runLayer(one, device) : await runOptimizer(one, device)
  return compare(pairs, tolerance)
}

const folder = process.argv[2] ?? stop('a folder with layers.json and layers.safetensors is needed, got none')
for (const name of ['layers.json', 'layers.safetensors']) if (!existsSync(join(folder, name))) stop(`${join(folder, name)} must be there, got none`)
const cases = readCases(JSON.parse(readFileSync(join(folder, 'layers.json'), 'utf8')), readSafetensors(readFileSync(join(folder, 'layers.safetensors')), { where: join(folder, 'layers.safetensors') }))

let lines = 0
let failed = 0
for (const tested of await openDevices()) {
  for (const one of cases) {
    const place = { case: one.name, device: tested.device.kind, ...(tested.adapter && { adapter: tested.adapter }) }
    lines++
    try {
      const { maxAbs, maxRelGrad, wrong } = await run(one, tested)
      if (wrong !== null) failed++
      console.log(JSON.stringify({ ...place, max_abs: maxAbs, max_rel_grad: maxRelGrad, ...(wrong !== null && { wrong }) }))
    } catch (error) {
      failed++
      console.log(JSON.stringify({ ...place, max_abs: null, max_rel_grad: null, wrong: error instanceof Error ? error.message : String(error) }))
    }
  }
  tested.device.close()
}
console.log(JSON.stringify({ cases: lines, failed }))
process.exitCode = failed === 0 ? 0 : 1
