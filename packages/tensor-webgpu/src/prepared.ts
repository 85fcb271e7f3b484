// Eager code computes the same little programs again and again: prepared ones are kept by their structure, and used on other storages.
import type { Device, Executable } from './devices/device.js'
import type { Operation } from './graph/operation.js'
import type { Program } from './graph/program.js'
import { structureKey } from './graph/structure-key.js'
import type { Vertex } from './graph/vertex.js'

/** How many prepared programs a device keeps; the least recently used goes first. */
const CAPACITY = 64

const kept = new WeakMap<Device, Map<string, Executable>>()
const operationKeys = new WeakMap<Operation, string>()

/** A program made ready, or an equal one that is ready already. */
export function prepareProgram(device: Device, program: Program): Executable {
  // The reference prepares nothing, and would hold on to the nodes.
  if (device.kind === 'reference') return device.prepare(program)
  const programs = kept.get(device) ?? new Map<string, Executable>()
  kept.set(device, programs)
  const key = programKey(program)
  const executable = programs.get(key) ?? device.prepare(program)
  programs.delete(key)
  programs.set(key, executable)
  const [oldest] = programs
  if (programs.size > CAPACITY) {
    programs.delete(oldest[0])
    oldest[1].dispose()
  }
  return executable
}

function operationKey(operation: Operation): string {
  const known = operationKeys.get(operation) ?? structureKey(operation)
  operationKeys.set(operation, known)
  return known
}

/** Equal for programs that differ only in which storages they are run on. */
function programKey({ externals, nodes }: Program): string {
  const number = new Map<Vertex, number>(nodes.map((node, i) => [node, i]))
  const leaves = new Set(externals.map(external => external.source))
  // Two leaves with one storage are planned as one.
  const storages = new Map<object, number>()
  const storage = ({ holding }: Vertex): number => {
    if (holding === null) return -1
    const known = storages.get(holding) ?? storages.size
    storages.set(holding, known)
    return known
  }
  const described = nodes.map(node => (leaves.has(node) ? `source ${storage(node)}` : `${operationKey(node.operation)} ${node.inputs.map(input => number.get(input)).join()}`) + ` ${node.shape.join()} ${node.dtype}`)
  const ends = externals.map(({ source, result }) => `${source === null ? '' : number.get(source)}>${result === null ? '' : number.get(result)}`)
  return [...described, ...ends].join('\n')
}
