// Ids to text as they come. Bytes of an unfinished character wait for the ids that finish it; each stream has its own state.

/** Decodes one sequence of ids piece by piece. */
export interface DecodeStream {
  /** The text that is certain now. Throws TokenIdError. */
  push(ids: number | ArrayLike<number>): string
  /** What was held back: U+FFFD for an unfinished character. The stream can then be used anew. */
  end(): string
}

/**
 * A stream of one sequence for a byte-level tokenizer.
 *
 * @example
 * const stream = decodeStream(tokenizer)
 * for await (const id of generated) write(stream.push(id))
 * write(stream.end())
 */
export function decodeStream(tokenizer: { decodeBytes(ids: ArrayLike<number>): Uint8Array }): DecodeStream {
  // ignoreBOM: U+FEFF is text like any other
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push: (ids) => decoder.decode(tokenizer.decodeBytes(typeof ids === 'number' ? [ids] : ids), { stream: true }),
    end: () => decoder.decode(),
  }
}
