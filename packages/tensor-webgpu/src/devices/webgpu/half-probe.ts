// Do half floats work on this GPU? A feature flag is a promise; this runs a kernel that stores them, loads them and computes with them.

const PROBE = `enable f16;
@group(0) @binding(0) var<storage, read_write> halves: array<f16>;
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) i: u32) { halves[i] = f16(f32(halves[i]) * 3.0) + f16(0.25); }
`
// 1, 2, 3, 0.5 and what they become: 3.25, 6.25, 9.25, 1.75
const GIVEN = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x3800)
const WANTED = [0x4280, 0x4640, 0x48a0, 0x3f00]

const usage = { mapRead: 1, copySrc: 4, copyDst: 8, storage: 128 } as const
const MAP_READ = 1

/** Never throws: what goes wrong is the answer no. */
export async function halvesWork(gpu: GPUDevice): Promise<boolean> {
  if (!gpu.features.has('shader-f16')) return false
  const data = gpu.createBuffer({ size: 16, usage: usage.storage | usage.copySrc | usage.copyDst })
  const staging = gpu.createBuffer({ size: 8, usage: usage.mapRead | usage.copyDst })
  gpu.pushErrorScope('validation')
  let found: readonly number[] = []
  try {
    const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module: gpu.createShaderModule({ code: PROBE }), entryPoint: 'main' } })
    gpu.queue.writeBuffer(data, 0, GIVEN)
    const encoder = gpu.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: data } }] }))
    pass.dispatchWorkgroups(1)
    pass.end()
    encoder.copyBufferToBuffer(data, 0, staging, 0, 8)
    gpu.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ)
    found = [...new Uint16Array(staging.getMappedRange())]
  } catch {
    // the pipeline was refused, or the device is lost, which the next use reports
  }
  const error = await gpu.popErrorScope().catch(() => null)
  data.destroy()
  staging.destroy()
  return error === null && WANTED.every((half, i) => found[i] === half)
}
