// Where a text stops being UTF-8: TextDecoder only says that it does.

/** Offset of the first byte that belongs to no valid UTF-8 sequence (RFC 3629: no surrogates, nothing overlong), or -1. */
export function invalidUtf8At(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at]
    if (lead < 0x80) {
      at++
      continue
    }
    const width = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0
    if (width === 0 || !isTail(bytes, at, width)) return at
    at += width
  }
  return -1
}

function isTail(bytes: Uint8Array, at: number, width: number): boolean {
  for (let i = 1; i < width; i++) if (at + i >= bytes.length || (bytes[at + i] & 0xc0) !== 0x80) return false
  const [lead, second] = [bytes[at], bytes[at + 1]]
  if (lead === 0xe0 && second < 0xa0) return false   // overlong
  if (lead === 0xed && second > 0x9f) return false   // surrogates
  if (lead === 0xf0 && second < 0x90) return false   // overlong
  return !(lead === 0xf4 && second > 0x8f)           // beyond U+10FFFF
}
