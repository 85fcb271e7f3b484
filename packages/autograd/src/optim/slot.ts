// What an optimizer updates at once: one parameter, or all of them packed into one flat tensor, or into several where one would be too large.
import { arange, ShapeError, tensor, Tensor, where } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import type { Leaf } from '../tensor-tree.js'
import type { ParameterState, UpdateRule } from './update-rule.js'
import { pack, packingGroups, packingOrder, unpack } from './packing.js'

export interface DecayedLeaf extends Leaf {
  readonly weightDecay: number
}

export interface Slot {
  readonly leaves: readonly DecayedLeaf[]
  /** The parameter, or the flat tensor that all parameters are windows on. */
  readonly parameter: Tensor
  readonly weightDecay: number | Tensor
  readonly state: ParameterState
}

export function makeSlots(leaves: readonly DecayedLeaf[], rule: UpdateRule): Slot[] {
  const tensors = leaves.map(leaf => leaf.tensor)
  const mayPack = rule.elementwise === true && new Set(tensors).size === tensors.length
  const groups = mayPack ? packingGroups(tensors) : leaves.map((_, i) => [i])
  return groups.flatMap((group): Slot[] => {
    const own = group.map(i => leaves[i])
    const flat = own.length > 1 ? packParameters(own.map(leaf => leaf.tensor)) : null
    if (flat === null) return own.map(leaf => ({ leaves: [leaf], parameter: leaf.tensor, weightDecay: leaf.weightDecay, state: rule.initial(leaf.tensor, leaf.path) }))
    return [{ leaves: own, parameter: flat, weightDecay: flatDecay(own, flat), state: rule.initial(flat, '') }]
  })
}

/** null where parameters are windows on another pack already. */
function packParameters(given: readonly Tensor[]): Tensor | null {
  const tensors = packingOrder(given.map(parameter => parameter.shape)).map(i => given[i])
  return Tensor.packOf(tensors) ?? (tensors.some(parameter => parameter.isPacked) ? null : Tensor.pack(tensors))
}

/** One number where all decay alike, else a tensor with each element's own: computed where matrices decay and nothing else, else stored. */
function flatDecay(leaves: readonly DecayedLeaf[], flat: Tensor): number | Tensor {
  const [{ weightDecay }] = leaves
  if (leaves.every(leaf => leaf.weightDecay === weightDecay)) return weightDecay
  const matrices = leaves.filter(leaf => leaf.tensor.rank >= 2)
  const most = Math.max(...leaves.map(leaf => leaf.weightDecay))
  if (leaves.every(leaf => leaf.weightDecay === (matrices.includes(leaf) ? most : 0))) {
    const end = pack(matrices.map(leaf => leaf.tensor)).size
    return where(arange(flat.size, undefined, 1, { device: flat.device }).lt(end), most, 0)
  }
  const decays = leaves.map(({ tensor: parameter, weightDecay: own }) => tensor(new Float32Array(parameter.size).fill(own), { shape: parameter.shape, device: flat.device }))
  return pack(decays).stopGradient().realize().asLeaf()
}

export const isFlat = (slot: Slot): boolean => slot.leaves.length > 1

/** The gradient in the form of the slot's parameter. */
export const gradientOf = (slot: Slot, gradients: readonly Tensor[]): Tensor => (isFlat(slot) ? pack(gradients) : gradients[0])

/** What is kept for each parameter, under `NAME.PATH`. */
export function stateOf(slot: Slot): [string, Tensor][] {
  const kept = Object.entries(slot.state).map(([name, value]) => ({ name, pieces: isFlat(slot) ? unpack(value, slot.leaves.map(leaf => leaf.tensor.shape)) : [value] }))
  return slot.leaves.flatMap(({ path }, i) => kept.map(({ name, pieces }): [string, Tensor] => [`${name}.${path}`, pieces[i]]))
}

export function loadSlot(slot: Slot, saved: Readonly<Record<string, Tensor>>): void {
  for (const [name, kept] of Object.entries(slot.state)) {
    const pieces = slot.leaves.map(({ path }) => savedTensor(saved, `${name}.${path}`))
    if (!isFlat(slot)) kept.assign(pieces[0])
    else {
      slot.leaves.forEach(({ path, tensor: { shape } }, i) => {
        if (pieces[i].shape.join() !== shape.join()) throw new ShapeError(`load: '${name}.${path}' must have shape (${shape.join(', ')}), got (${pieces[i].shape.join(', ')})`)
      })
      kept.assign(pack(pieces))
    }
  }
}

export function savedTensor(saved: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const value = Object.hasOwn(saved, name) ? saved[name] : undefined
  if (value === undefined) throw new GradientError(`load: the saved state must hold '${name}', got none; was it saved by another optimizer or for other parameters?`)
  return value
}
