// Lengths of padded batches come in few sizes, so that a compiled step is traced a few times and not once per batch.

/** The next multiple of 16, or the number itself up to 16; never above the context. */
export function rowLength(longest: number, contextLength: number): number {
  const rounded = longest <= 16 ? longest : Math.ceil(longest / 16) * 16
  return Math.max(longest, Math.min(rounded, contextLength))
}
