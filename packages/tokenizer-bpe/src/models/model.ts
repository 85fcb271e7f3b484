// The model of a tokenizer file: ids for one piece of text.

export interface Model {
  /** Appends the ids of a piece to `out`. */
  encode(piece: string, out: number[]): void
  /** Ids by token. */
  readonly vocab: ReadonlyMap<string, number>
}

/** What to do with a part that is in no token: its bytes as tokens, or the unknown token, or nothing. */
export class Unknowns {
  readonly #id: number | undefined
  readonly #fuse: boolean
  readonly #bytes: (number | undefined)[] | undefined

  constructor(vocab: ReadonlyMap<string, number>, options: { id: number | undefined; fuse: boolean; byteFallback: boolean }) {
    this.#id = options.id
    this.#fuse = options.fuse
    this.#bytes = options.byteFallback ? Array.from({ length: 256 }, (_, byte) => vocab.get(byteToken(byte))) : undefined
  }

  /** The ids of the bytes of a part, if all of them are tokens. */
  byteIds(bytes: Uint8Array): number[] | undefined {
    if (this.#bytes === undefined) return undefined
    const ids: number[] = []
    for (const byte of bytes) {
      const id = this.#bytes[byte]
      if (id === undefined) return undefined
      ids.push(id)
    }
    return ids
  }

  get id(): number | undefined {
    return this.#id
  }

  /** Whether unknown parts in a row are one unknown token. */
  get fuse(): boolean {
    return this.#fuse
  }
}

/** `<0x0A>`: the token of a byte in vocabularies with byte fallback. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}
