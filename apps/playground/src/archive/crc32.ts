// The checksum of ZIP files: finds damage, not forgery.
const tables = makeTables()

/** Four tables for four bytes a turn. */
function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    return value
  })
  const all = [first]
  for (let k = 1; k < 4; k++) all.push(all[k - 1].map(value => (value >>> 8) ^ first[value & 0xff]))
  return all
}

/** @example crc32(new TextEncoder().encode('123456789'))   // 0xcbf43926 */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = tables
  let value = 0xffffffff
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    value = t3[value & 0xff] ^ t2[(value >>> 8) & 0xff] ^ t1[(value >>> 16) & 0xff] ^ t0[value >>> 24]
  }
  for (; at < bytes.length; at++) value = t0[(value ^ bytes[at]) & 0xff] ^ (value >>> 8)
  return ~value >>> 0
}
