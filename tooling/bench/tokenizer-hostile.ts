// Texts made to be slow: one long piece, or many that are in no cache.

const PLACES: Readonly<Record<string, (random: () => number, bytes: number) => string>> = {
  'one letter': (_, bytes) => 'a'.repeat(bytes),
  'random letters': (random, bytes) => Array.from({ length: bytes }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join(''),
  spaces: (_, bytes) => ' '.repeat(bytes),
  newlines: (_, bytes) => '\n'.repeat(bytes),
  'zwj emoji': (_, bytes) => '👨‍👩‍👧‍👦'.repeat(Math.floor(bytes / 25)),
  'random bytes': (random, bytes) => new TextDecoder().decode(Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256))),
  'random ideographs': (random, bytes) => Array.from({ length: Math.floor(bytes / 3) }, () => String.fromCharCode(0x4e00 + Math.floor(random() * 20000))).join(''),
}

export const HOSTILE_NAMES = Object.keys(PLACES)

export function hostileText(name: string, bytes: number): string {
  let seed = 42
  return PLACES[name](() => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 4294967296, bytes)
}
