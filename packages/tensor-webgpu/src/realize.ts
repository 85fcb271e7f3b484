// Computing now: finds what the wanted nodes need, runs it once, and leaves the values on the nodes.
import { DisposedError } from './errors.js'
import type { Device } from './devices/device.js'
import * as build from './graph/build.js'
import { Holding } from './graph/holding.js'
import type { Cell, Node } from './graph/node.js'
import { orderNodes } from './graph/order.js'
import { allocateStorage } from './memory.js'
import { makeProgram, type External } from './graph/program.js'
import { prepareProgram } from './prepared.js'
import { takePending } from './trace.js'

/** The leaves under `roots` that already have values; throws where one should and has not. */
export function findSources(where: string, roots: readonly Node[], placeholders: ReadonlySet<Node>): Node[] {
  const sources: Node[] = []
  for (const node of orderNodes(roots, node => node.holding !== null || placeholders.has(node))) {
    if (node.holding !== null) {
      if (node.holding.released) throw new DisposedError(`${where}: a tensor of shape (${node.shape.join(', ')}) was used after dispose(); dispose it later, or compute what depends on it first`)
      sources.push(node)
    } else if (node.operation.kind === 'source' && !placeholders.has(node)) throw new DisposedError(`${where}: ${explainAbsence(node)}`)
  }
  return sources
}

function explainAbsence(node: Node): string {
  const shape = `(${node.shape.join(', ')})`
  if (node.absence === 'disposed') return `a tensor of shape ${shape} was used after dispose(); dispose it later, or compute what depends on it first`
  if (node.absence === 'overwritten') return `an uncomputed tensor depends on a value of shape ${shape} that a compiled function has since updated in place; call realize() on it before the update`
  if (node.absence === 'packed') return `an uncomputed tensor depends on a value of shape ${shape} that has since been packed with others (by an optimizer, say); build it again, or call realize() on it before`
  return `an argument of a compiled function, of shape ${shape}, has no value while the function is traced; return the tensor and read it outside`
}

/** Computes the given nodes of one device, together with all assignments that wait there. */
export function realize(where: string, nodes: readonly Node[], device: Device): void {
  const cells = takePending(device)
  const wanted = [...new Set([...nodes, ...cells.map(cell => cell.node)])].filter(node => node.holding === null)
  if (wanted.length > 0) {
    const sources = findSources(where, wanted, new Set())
    const externals: External[] = [...sources.map(source => ({ source, result: null })), ...wanted.map(result => ({ source: null, result }))]
    const executable = prepareProgram(device, makeProgram(externals))
    const results = wanted.map(node => allocateStorage(device, node.shape, node.dtype, node.site))
    executable.run([...sources.flatMap(source => source.holding?.storage ?? []), ...results])
    wanted.forEach((node, i) => (node.holding = new Holding(device, results[i])))
  }
  for (const cell of cells) settle(cell)
}

/** An assigned cell whose value is there forgets how it came about: otherwise a loop of updates would grow without end. */
function settle(cell: Cell): void {
  if (cell.node.holding !== null) cell.node.holding.isAssigned = true
  cell.node = sourceOf(cell.node.holding, cell, cell.node)
}

/** A fresh source for a cell, holding an existing value. */
export function sourceOf(holding: Holding | null, cell: Cell | null, like: Node): Node {
  const node = build.source(like.shape, like.dtype, like.device)
  node.holding = holding
  node.cell = cell
  return node
}
