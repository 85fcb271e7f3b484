// Base64 without the host's help: `atob` makes strings, and Buffer is Node's alone.
import { TokenizerError } from '../errors.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The value of each base64 digit by its byte, 255 for other bytes. */
export const SEXTETS: Uint8Array = /* @__PURE__ */ sextets()

function sextets(): Uint8Array {
  const table = new Uint8Array(256).fill(255)
  for (let k = 0; k < 64; k++) table[DIGITS.charCodeAt(k)] = k
  return table
}

/** The bytes of a base64 text. Throws TokenizerError 'INVALID_FORMAT'. */
export function base64Bytes(text: string, where: string): Uint8Array {
  const digits = text.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor(digits.length * 0.75))
  let value = 0
  let bits = 0
  let used = 0
  for (let k = 0; k < digits.length; k++) {
    const unit = digits.charCodeAt(k)
    const sextet = unit < 256 ? SEXTETS[unit] : 255
    if (sextet === 255) throw new TokenizerError('INVALID_FORMAT', `${where}: must be base64, got ${JSON.stringify(digits[k])} at ${k}`)
    value = ((value << 6) | sextet) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[used++] = value >> bits
    }
  }
  return bytes
}

export function base64Text(bytes: Uint8Array): string {
  let text = ''
  for (let k = 0; k < bytes.length; k += 3) {
    const three = (bytes[k] << 16) | ((bytes[k + 1] ?? 0) << 8) | (bytes[k + 2] ?? 0)
    text += DIGITS[three >> 18] + DIGITS[(three >> 12) & 63]
      + (k + 1 < bytes.length ? DIGITS[(three >> 6) & 63] : '=') + (k + 2 < bytes.length ? DIGITS[three & 63] : '=')
  }
  return text
}
