// Cutting a long text where no piece of the three known patterns can cross and none before the cut depends on what follows,
// so that a text of any length is encoded in a small buffer.

/** UTF-16 units to a chunk: small enough for its bytes and ids to stay in the processor's cache. */
const CHUNK = 1 << 14

/** End of the chunk that starts at `start`: a safe cut, or the end of the text. */
export function chunkEnd(text: string, start: number): number {
  for (let size = CHUNK; start + size < text.length; size *= 2) {
    const cut = lastCut(text, start, start + size)
    if (cut > start) return cut
  }
  return text.length
}

/** The last safe cut in `from`…`to`, or `from` if there is none. */
export function lastCut(text: string, from: number, to: number): number {
  for (let at = to - 1; at > from + 1; at--) {
    const unit = text.charCodeAt(at)
    const before = text.charCodeAt(at - 1)
    // before a space that follows something visible: a piece only begins with a space
    if (unit === 0x20 && isVisible(before)) return at
    // after a single newline: a piece only ends with one, except that o200k lets slashes follow
    if (before === 10 && isVisible(unit) && unit !== 0x2f && isVisible(text.charCodeAt(at - 2))) return at
  }
  return from
}

/** Surely not white space: printable ASCII, or above the last white space character, U+3000. */
function isVisible(unit: number): boolean {
  return (unit > 0x20 && unit < 0x7f) || unit > 0x3000
}
