// What a tensor handle holds. Usually a node; after packing, a window on a piece of one flat tensor, which changes when the whole does.
import { sizeOf, type Shape } from '../shape.js'
import * as build from './build.js'
import type { Cell, Node } from './node.js'

export class ValueCell implements Cell {
  #node: Node
  #window: { readonly pack: Pack; readonly index: number } | null = null

  constructor(node: Node) {
    this.#node = node
  }

  get node(): Node {
    return this.#window === null ? this.#node : this.#window.pack.piece(this.#window.index, this)
  }

  set node(node: Node) {
    if (this.#window === null) this.#node = node
    else this.#window.pack.replace(this.#window.index, node)
  }

  /** The cell whose storage this one's value lies in: itself, or the flat tensor's. */
  get home(): Cell {
    return this.#window === null ? this : this.#window.pack
  }

  /** From now on this cell is a window on a pack. */
  moveInto(pack: Pack, index: number): void {
    this.#window = { pack, index }
  }

  isPiece(pack: Pack, index: number): boolean {
    return this.#window !== null && this.#window.pack === pack && this.#window.index === index
  }
}

/** Pieces start at multiples of 128 elements: of halves too 256 bytes, the strictest alignment of a WebGPU binding. */
const ALIGNMENT = 128

/** How many elements a tensor of so many takes among others laid end to end. */
export const paddedSize = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT

/** Tensors laid end to end, each padded with zeros to a multiple of 128 elements. */
export function concatPadded(pieces: readonly Node[]): Node {
  const parts = pieces.flatMap(piece => {
    const size = sizeOf(piece.shape)
    const gap = paddedSize(size) - size
    return [build.reshape(piece, [size]), ...(gap === 0 ? [] : [build.constant(0, [gap], piece.dtype, piece.device)])]
  })
  return build.concat(parts, 0)
}

/** Piece `index` of tensors laid end to end by `concatPadded`. */
export function pieceOf(flat: Node, shapes: readonly Shape[], index: number): Node {
  const start = shapes.slice(0, index).reduce((sum, shape) => sum + paddedSize(sizeOf(shape)), 0)
  return build.reshape(build.slice(flat, [start], [sizeOf(shapes[index])], [1]), shapes[index])
}

/** The cell of a flat tensor that others are windows on. Pieces put in one by one are joined when the whole is next asked for. */
export class Pack implements Cell {
  readonly #shapes: readonly Shape[]
  readonly #replaced = new Map<number, Node>()
  readonly #pieces = new Map<number, Node>()
  #node: Node

  constructor(flat: Node, shapes: readonly Shape[]) {
    this.#node = flat
    this.#shapes = shapes
  }

  get home(): Cell {
    return this
  }

  get node(): Node {
    if (this.#replaced.size > 0) this.node = concatPadded(this.#shapes.map((_, i) => this.#replaced.get(i) ?? pieceOf(this.#node, this.#shapes, i)))
    return this.#node
  }

  set node(flat: Node) {
    this.#node = flat
    this.#replaced.clear()
    this.#pieces.clear()
  }

  isWholeOf(cells: readonly Cell[]): boolean {
    return cells.length === this.#shapes.length && cells.every((cell, i) => cell instanceof ValueCell && cell.isPiece(this, i))
  }

  piece(index: number, cell: Cell): Node {
    const known = this.#replaced.get(index) ?? this.#pieces.get(index)
    if (known !== undefined) return known
    const piece = pieceOf(this.#node, this.#shapes, index)
    piece.cell = cell
    this.#pieces.set(index, piece)
    return piece
  }

  replace(index: number, value: Node): void {
    this.#replaced.set(index, value)
  }
}

