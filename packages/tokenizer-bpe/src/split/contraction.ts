// English contractions: 's 't 're 've 'm 'll 'd.

const D = 0x64, E = 0x65, L = 0x6c, M = 0x6d, R = 0x72, S = 0x73, T = 0x74, V = 0x76

/** `'s|'t|'re|'ve|'m|'ll|'d` from the apostrophe at `at`; 0 if there is none. */
export function contraction(bytes: Uint8Array, at: number, end: number): number {
  return suffixEnd(at + 1 < end ? bytes[at + 1] : 0, at + 2 < end ? bytes[at + 2] : 0, at)
}

/** The same under `(?i:…)`, where the long s U+017F is also an s. */
export function contractionAnyCase(bytes: Uint8Array, at: number, end: number): number {
  const first = at + 1 < end ? bytes[at + 1] : 0
  const second = at + 2 < end ? bytes[at + 2] : 0
  if (first === 0xc5 && second === 0xbf) return at + 3
  return suffixEnd(first < 0x80 ? first | 0x20 : 0, second < 0x80 ? second | 0x20 : 0, at)
}

function suffixEnd(first: number, second: number, at: number): number {
  if (first === S || first === D || first === M || first === T) return at + 2
  if ((first === L && second === L) || ((first === V || first === R) && second === E)) return at + 3
  return 0
}
