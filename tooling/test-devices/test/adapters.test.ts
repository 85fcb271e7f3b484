import { expect, test } from 'vitest'
import { describeOnAdapters } from '../src/describe.ts'
import { missingRequirement, nullGpu } from '../src/index.ts'

async function squareOnDevice(device: GPUDevice, values: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
      @compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * x[id.x]; }
      }`,
  })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  const storage = device.createBuffer({ size: values.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  const readback = device.createBuffer({ size: values.byteLength, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
  device.queue.writeBuffer(storage, 0, values)
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: storage } }] })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, bindGroup)
  pass.dispatchWorkgroups(Math.ceil(values.length / 32))
  pass.end()
  encoder.copyBufferToBuffer(storage, 0, readback, 0, values.byteLength)
  device.queue.submit([encoder.finish()])
  await readback.mapAsync(GPUMapMode.READ)
  return new Float32Array(readback.getMappedRange().slice(0))
}

const numbers = Float32Array.from({ length: 1000 }, (_, i) => i)

describeOnAdapters('a software adapter', (adapter) => {
  test('computes', async () => {
    const device = await adapter.requestDevice()
    expect(await squareOnDevice(device, numbers)).toEqual(numbers.map((x) => x * x))
    device.destroy()
  })

  test('serves a second device', async () => {
    const device = await adapter.requestDevice()
    expect(await squareOnDevice(device, numbers)).toEqual(numbers.map((x) => x * x))
    device.destroy()
  })

  test('is the one that was asked for', async () => {
    const { info } = await adapter.requestAdapter()
    expect(`${info.vendor} ${info.description}`).toMatch(adapter.name === 'lavapipe' ? /mesa/ : /SwiftShader/)
  })
})

test('the null backend validates and computes nothing', async () => {
  const adapter = await nullGpu().requestAdapter()
  const device = await adapter!.requestDevice()
  expect(await squareOnDevice(device, numbers)).not.toEqual(numbers.map((x) => x * x))
  device.pushErrorScope('validation')
  device.createShaderModule({ code: 'fn broken( {' })
  expect((await device.popErrorScope())?.message).toContain('expected')
})

test('a required adapter that is not there is named', async () => {
  const before = process.env['ABOVO_REQUIRE_WEBGPU']
  process.env['ABOVO_REQUIRE_WEBGPU'] = 'Voodoo'
  expect(await missingRequirement()).toMatch(/^ABOVO_REQUIRE_WEBGPU=Voodoo: Voodoo must be there, got /)
  process.env['ABOVO_REQUIRE_WEBGPU'] = '0'
  expect(await missingRequirement()).toBeUndefined()
  if (before === undefined) delete process.env['ABOVO_REQUIRE_WEBGPU']
  else process.env['ABOVO_REQUIRE_WEBGPU'] = before
})
