// A user's own kernel: their statements for one element, in a shader that gives them their operands by position and stores what they computed.
import { DeviceError } from '../../../errors.js'
import { definitionOf, operandName } from '../../../graph/definition.js'
import type { CustomKernel } from '../../../plan/kernel.js'
import { sizeOf } from '../../../shape.js'
import { StorageArrays } from '../wgsl/access.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, workgroupNumber, type GpuProgram } from './gpu-program.js'

const GROUP = 64
const registerType = { f32: 'f32', f16: 'f32', i32: 'i32', u32: 'u32', bool: 'bool' } as const

export function customProgram({ bindings, definition, operands, out }: CustomKernel, traits: GpuTraits): GpuProgram | null {
  const size = sizeOf(out.shape)
  if (size === 0) return null
  const { name, wgsl } = definitionOf(definition)
  if (wgsl === undefined) throw new DeviceError(`${name}: on webgpu a custom operation must have \`wgsl\`, got TypeScript only; give it, or use the wasm device`, 'custom')
  const { element, functions = '' } = wgsl(...operands)
  const arrays = new StorageArrays(bindings, new Set())
  const workgroups = foldWorkgroups(Math.ceil(size / GROUP), traits.maxWorkgroups)
  const readers = operands.map(({ binding, offset, dtype }, i) => {
    const stored = `${arrays.name(binding)}[${offset}u + at]`
    return `fn ${operandName(i)}(at: u32) -> ${registerType[dtype]} { return ${dtype === 'bool' ? `${stored} != 0u` : dtype === 'f16' ? `f32(${stored})` : stored}; }`
  })
  const stored = out.dtype === 'bool' ? 'select(0u, 1u, out)' : out.dtype === 'f16' ? 'f16(out)' : 'out'
  const main = [
    `@compute @workgroup_size(${GROUP})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {',
    `  let i = (${workgroupNumber(workgroups)}) * ${GROUP}u + local;`,
    `  if (i >= ${size}u) { return; }`,
    `  var out: ${registerType[out.dtype]};`,
    `  ${element}`,
    `  ${arrays.name(out.binding)}[${out.offset}u + i] = ${stored};`,
    '}',
  ]
  const half = bindings.some(binding => binding.dtype === 'f16') ? 'enable f16;\n' : ''
  return { variant: `custom ${name}`, wgsl: `${half}${arrays.declarations}\n${readers.join('\n')}\n${functions}\n${main.join('\n')}\n`, bindings: arrays.used, workgroups }
}
