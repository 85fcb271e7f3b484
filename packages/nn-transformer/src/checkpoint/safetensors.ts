// The safetensors format to the byte (github.com/huggingface/safetensors, README "Format"): reading with every check of the reference
// implementation, writing what it would write. Names and shapes only; what they mean to a model is elsewhere.
//
// Layout: u64 N, little-endian · N bytes of JSON, padded with spaces to a multiple of 8 · the tensors' bytes without holes.
import { CheckpointError } from '../errors.js'
import type { HostTensor, StateDict } from '../host-tensor.js'
import { isJsonObject, parseJson, type Json, type JsonObject } from './safe-json.js'
import { bitsPerElement, decodeElements, dtypeOfArray, isSafetensorsDtype, type SafetensorsDtype } from './safetensors-dtype.js'

/** The reference implementation's limit. */
const MAX_HEADER = 100_000_000

/** One tensor of a file: a view of the file's bytes. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export interface SafetensorsFile {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Opens a file without copying: the entries are views of `file`.
 *
 * @param where what the file is called, for messages.
 * @throws CheckpointError with the code of the rule that is broken, and the tensor's name.
 * @example
 * const { tensors } = openSafetensors(bytes)
 * tensors.get('wte.weight')?.shape   // [50257, 768]
 */
export function openSafetensors(file: Uint8Array, { where = 'safetensors' }: { where?: string } = {}): SafetensorsFile {
  const { header, body } = splitFile(where, file)
  const tensors = new Map<string, SafetensorsEntry>()
  let metadata: ReadonlyMap<string, string> = new Map()
  const infos: TensorInfo[] = []
  for (const [name, value] of header)
    if (name === '__metadata__') metadata = readMetadata(where, value)
    else infos.push(readInfo(where, name, value))
  infos.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let end = 0
  for (const info of infos) {
    checkInfo(where, info, end)
    end = info.end
    tensors.set(info.name, { name: info.name, dtype: info.dtype, shape: info.shape, bytes: body.subarray(info.begin, info.end) })
  }
  if (end !== body.length) throw incompleteBuffer(where, body.length, end, infos.at(-1)?.name ?? null)
  return { tensors, metadata }
}

function incompleteBuffer(where: string, length: number, end: number, last: string | null): CheckpointError {
  const after = last === null ? '' : `, the end of '${last}'`
  return new CheckpointError('incomplete-buffer', `${where}: the tensors must fill the file to byte ${end}${after}, got ${length} bytes; is the file ${length < end ? 'cut short' : 'followed by something else'}?`, last)
}

interface TensorInfo {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

function splitFile(where: string, file: Uint8Array): { header: JsonObject; body: Uint8Array } {
  if (file.length < 8) throw new CheckpointError('header-too-small', `${where}: a file must have at least 8 bytes, got ${file.length}`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  // before anything of that size is touched
  if (length > MAX_HEADER) throw new CheckpointError('header-too-large', `${where}: the header must have at most ${MAX_HEADER} bytes, got ${length}; is this a safetensors file?`)
  if (8 + length > file.length) throw new CheckpointError('invalid-header-length', `${where}: the header of ${length} bytes must lie in the file of ${file.length}; is the file cut short?`)
  return { header: readHeader(where, file.subarray(8, 8 + length)), body: file.subarray(8 + length) }
}

function readHeader(where: string, bytes: Uint8Array): JsonObject {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CheckpointError('invalid-header', `${where}: the header must be UTF-8`)
  }
  const header = parseJson(`${where}: header`, text)
  if (!isJsonObject(header)) throw new CheckpointError('invalid-header', `${where}: the header must be a JSON object`)
  return header
}

function readMetadata(where: string, value: Json): ReadonlyMap<string, string> {
  if (!isJsonObject(value)) throw new CheckpointError('invalid-metadata', `${where}: __metadata__ must be an object of strings`)
  return new Map([...value].map(([key, text]) => {
    if (typeof text !== 'string') throw new CheckpointError('invalid-metadata', `${where}: __metadata__ must hold strings only, got another value for '${key}'`)
    return [key, text]
  }))
}

const isSize = (value: Json): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

function readInfo(where: string, name: string, value: Json): TensorInfo {
  const fail = (what: string): never => {
    throw new CheckpointError('invalid-tensor', `${where}: tensor '${name}' must have ${what}`, name)
  }
  if (!isJsonObject(value)) return fail('an object with dtype, shape and data_offsets')
  const other = [...value.keys()].find(key => !['dtype', 'shape', 'data_offsets'].includes(key))
  if (other !== undefined) return fail(`dtype, shape and data_offsets only, got '${other}'`)
  const dtype = value.get('dtype')
  if (!isSafetensorsDtype(dtype)) return fail(`a known dtype, got ${JSON.stringify(dtype)}`)
  const sizes = value.get('shape')
  const offsets = value.get('data_offsets')
  if (!Array.isArray(sizes) || !sizes.every(isSize)) return fail('a shape of whole numbers below 2^53')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) return fail('two data_offsets of whole numbers below 2^53')
  return { name, dtype, shape: sizes, begin: offsets[0], end: offsets[1] }
}

/** The tensor must begin where the one before ended: no hole, no overlap, so that the sizes add up to the file's. */
function checkInfo(where: string, { name, dtype, shape, begin, end }: TensorInfo, expected: number): void {
  if (begin !== expected || end < begin) throw new CheckpointError('invalid-offset', `${where}: tensor '${name}' must begin at byte ${expected} and not end before, got ${begin} to ${end}; tensors may neither overlap nor leave holes`, name)
  const bits = shape.reduce((product, n) => product * n, bitsPerElement[dtype])
  if (!Number.isSafeInteger(bits)) throw new CheckpointError('overflow', `${where}: tensor '${name}' of shape (${shape.join(', ')}) is too large to be real`, name)
  if (bits % 8 !== 0) throw new CheckpointError('misaligned', `${where}: tensor '${name}' must end on a whole byte, got ${bits} bits`, name)
  if (bits / 8 !== end - begin) throw new CheckpointError('invalid-info', `${where}: tensor '${name}' of shape (${shape.join(', ')}) and type ${dtype} needs ${bits / 8} bytes, got ${end - begin}`, name)
}

/** Reads all tensors into host arrays: F16 and BF16 widened to float32, 64-bit integers narrowed. Throws as openSafetensors. */
export function readSafetensors(file: Uint8Array, { where = 'safetensors' }: { where?: string } = {}): StateDict {
  const { tensors } = openSafetensors(file, { where })
  return new Map([...tensors].map(([name, { dtype, shape, bytes }]) => [name, { shape, data: decodeElements(name, dtype, bytes) }]))
}

/**
 * Writes host arrays as the reference implementation does: wide types first, then by name.
 *
 * @throws CheckpointError for data that does not fill its shape, and for names that readers refuse.
 */
export function writeSafetensors(state: ReadonlyMap<string, HostTensor>, { metadata = { format: 'pt' } }: { metadata?: Readonly<Record<string, string>> } = {}): Uint8Array {
  const entries = [...state].map(([name, { shape, data }]) => {
    checkWritable(name, shape, data.length)
    return { name, shape, data, dtype: dtypeOfArray(data) }
  })
  entries.sort((a, b) => rankOf(b.dtype) - rankOf(a.dtype) || compareBytes(a.name, b.name))
  let end = 0
  const fields = entries.map(({ name, shape, data, dtype }) => {
    const begin = end
    end += data.byteLength
    return `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join()}],"data_offsets":[${begin},${end}]}`
  })
  if (Object.keys(metadata).length > 0) fields.unshift(`"__metadata__":${JSON.stringify(metadata)}`)
  const header = encodeHeader(fields)
  const length = Math.ceil(header.length / 8) * 8
  const file = new Uint8Array(8 + length + end)
  new DataView(file.buffer).setUint32(0, length, true)
  file.fill(0x20, 8, 8 + length)
  file.set(header, 8)
  let at = 8 + length
  for (const { data } of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}

function encodeHeader(fields: readonly string[]): Uint8Array {
  const fail = (length: number): never => {
    throw new CheckpointError('header-too-large', `writeSafetensors: the header must have at most ${MAX_HEADER} bytes, got ${length}; use fewer tensors or shorter names`)
  }
  const characters = fields.reduce((sum, field) => sum + field.length + 1, 1)
  if (characters > MAX_HEADER) return fail(characters)   // UTF-8 is never shorter
  const header = new TextEncoder().encode(`{${fields.join()}}`)
  return header.length > MAX_HEADER - 7 ? fail(header.length) : header
}

function checkWritable(name: string, shape: readonly number[], length: number): void {
  if (name === '__metadata__' || name === '__proto__' || name === 'constructor' || name.includes('\0')) throw new CheckpointError('forbidden-key', `writeSafetensors: readers refuse the tensor name ${JSON.stringify(name)}; choose another`, name)
  const size = shape.reduce((a, b) => a * b, 1)
  if (size !== length) throw new CheckpointError('invalid-info', `writeSafetensors: tensor '${name}' of shape (${shape.join(', ')}) needs ${size} elements, got ${length}`, name)
}

/** The reference implementation's order of types; it writes the last first. */
const order: readonly SafetensorsDtype[] = ['BOOL', 'U8', 'I8', 'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'F64', 'I64', 'U64']
const rankOf = (dtype: SafetensorsDtype): number => order.indexOf(dtype)

/** Order of UTF-8 bytes, which is that of code points, not JavaScript's of UTF-16 units. */
function compareBytes(a: string, b: string): number {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)]
  const i = x.findIndex((byte, at) => byte !== y[at])
  return i < 0 ? x.length - y.length : x[i] - (y[i] ?? -1)
}
