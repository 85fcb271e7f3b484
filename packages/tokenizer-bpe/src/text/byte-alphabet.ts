// GPT-2's printable stand-in for each byte, in which tokenizer.json and vocab.bpe spell their tokens: printable Latin-1
// stands for itself, the 68 other bytes for U+0100 and up.

/** The stand-in of each byte. */
export const STAND_IN: readonly string[] = /* @__PURE__ */ standIns()

function standIns(): string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCharCode(printable ? byte : next++)
  })
}

const byteOf: ReadonlyMap<string, number> = /* @__PURE__ */ new Map(STAND_IN.map((character, byte) => [character, byte]))

/** Bytes to stand-ins. */
export function spell(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += STAND_IN[byte]
  return text
}

/** Stand-ins to bytes; undefined if a character stands for no byte. */
export function unspell(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length)
  for (let k = 0; k < text.length; k++) {
    const byte = byteOf.get(text[k])
    if (byte === undefined) return undefined
    bytes[k] = byte
  }
  return bytes
}
