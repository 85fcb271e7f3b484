// UTF-8 as the encoder and the scanners read it: always valid, because TextEncoder wrote it. Lone surrogates have become
// U+FFFD on the way, as in every tokenizer that works on UTF-8.

/** How many bytes may be read past the end of the text: pieces are loaded as whole 32-bit words. */
const SLACK = 32

const textEncoder = /* @__PURE__ */ new TextEncoder()
// ignoreBOM: a decoder that eats U+FEFF loses a token
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/** A buffer that holds the bytes of one text at a time. */
export class Utf8Buffer {
  bytes = new Uint8Array(1024)
  words = new DataView(this.bytes.buffer)
  length = 0

  /** Replaces the content by the bytes of `text`. */
  write(text: string): void {
    const needed = text.length * 3 + SLACK
    if (this.bytes.length < needed) {
      this.bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      this.words = new DataView(this.bytes.buffer)
    }
    this.length = textEncoder.encodeInto(text, this.bytes).written
  }
}

export function utf8Of(text: string): Uint8Array {
  return textEncoder.encode(text)
}

/** The text of `bytes`; what is not UTF-8 becomes U+FFFD, or throws TypeError if `fatal`. */
export function textOf(bytes: Uint8Array, fatal = false): string {
  return (fatal ? new TextDecoder('utf-8', { ignoreBOM: true, fatal }) : textDecoder).decode(bytes)
}

/** Bytes of the code point that starts with `lead`. */
export function widthOf(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

/** The code point at `at`, which must be its first byte. */
export function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]
  if (lead < 0x80) return lead
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (bytes[at + 1] & 0x3f)
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)
  return ((lead & 0x07) << 18) | ((bytes[at + 1] & 0x3f) << 12) | ((bytes[at + 2] & 0x3f) << 6) | (bytes[at + 3] & 0x3f)
}

/** The text with U+FFFD for every lone surrogate, as its bytes would have. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}
