// Reading protocol buffers without a schema: the fields of a message in order.
import { TokenizerError } from '../errors.ts'

export interface ProtoField {
  number: number
  /** A varint, or the 4 bytes of a fixed32 as a float. */
  value: number
  /** The content of a length-delimited field. */
  bytes: Uint8Array
}

const NONE = new Uint8Array(0)

export function* protoFields(message: Uint8Array): Generator<ProtoField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]
      if (byte === undefined || scale > 2 ** 63) throw broken(at)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const number = Math.floor(key / 8)
    const wire = key % 8
    if (wire === 0) yield { number, value: varint(), bytes: NONE }
    else if (wire === 2) {
      const length = varint()
      if (at + length > message.length) throw broken(at)
      yield { number, value: 0, bytes: message.subarray(at, at + length) }
      at += length
    } else if (wire === 5 && at + 4 <= message.length) {
      yield { number, value: view.getFloat32(at, true), bytes: NONE }
      at += 4
    } else if (wire === 1) at += 8
    else throw broken(at)
  }
}

function broken(at: number): TokenizerError {
  return new TokenizerError('INVALID_FORMAT', `sentencepiece model: must be a protocol buffer, got something else at byte ${at}`)
}
