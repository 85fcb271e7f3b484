// The loop in which every invocation of a workgroup walks the rows of the other side (keys for a query, queries for a key), and how those rows
// come to it: read by each, shuffled within a subgroup, or through workgroup memory.
import type { Access } from '../../../plan/kernel.js'
import type { AttentionShader } from './attention-shader.js'
import type { VectorPlace } from './head-vectors.js'

interface WalkedRows {
  /** Name of the row's index in the shader: `key` or `query`. */
  readonly row: string
  /** How many there are; a block's surplus lanes read the last. */
  readonly length: number
  /** Texts of the first row and of the end, the same for the whole workgroup. */
  readonly from: string
  readonly to: string
  readonly head: string
  readonly vectors: Readonly<Record<string, Access>>
  /** Single numbers per row, over [B, H, row]. */
  readonly scalars: Readonly<Record<string, Access>>
}

/** Bytes of workgroup memory within every device's limit. */
const WORKGROUP_BYTES = 16384
/** What the batch's number of keys takes of them, where it is known only when the kernel runs. */
const LENGTH_BYTES = 16

export interface WalkBody {
  /** Chunk d of a walked vector; `at` is what `each` gives. */
  chunk(name: string, d: string, at: (name: string) => string): string
  scalar(name: string): string
  readonly indent: string
}

/** Writes the walk; `body` writes what is done with each row. */
export function writeWalk(shader: AttentionShader, rows: WalkedRows, indent: string, body: (walk: WalkBody) => void): void {
  if (rows.length === 0) return
  if (shader.layout.staging === 'direct') writeDirect(shader, rows, indent, body)
  else if (shader.layout.staging === 'shuffle') writeShuffled(shader, rows, indent, body)
  else writeTiled(shader, rows, indent, body)
}

const place = (rows: WalkedRows, row: string): VectorPlace => ({ batch: 'batch', head: rows.head, row })

function writeDirect(shader: AttentionShader, rows: WalkedRows, indent: string, body: (walk: WalkBody) => void): void {
  const inner = `${indent}  `
  shader.line(`for (var ${rows.row} = ${rows.from}; ${rows.row} < ${rows.to}; ${rows.row} += 1u) {`, indent)
  for (const [name, access] of Object.entries(rows.vectors)) shader.vectors.base(`${name}Base`, access, place(rows, rows.row), inner)
  body({
    chunk: (name, d) => shader.vectors.load(rows.vectors[name], `${name}Base`, d),
    scalar: name => shader.vectors.scalar(rows.scalars[name], ['batch', rows.head, rows.row]).text,
    indent: inner,
  })
  shader.line('}', indent)
}

function openBlock(shader: AttentionShader, rows: WalkedRows, size: number, indent: string): void {
  shader.line(`for (var block = ${rows.from}; block < ${rows.to}; block += ${size}u) {`, indent)
}

function openRows(shader: AttentionShader, rows: WalkedRows, size: number, indent: string): void {
  shader.line(`let rowsInBlock = min(${size}u, ${rows.to} - block);`, indent)
  shader.line('for (var u = 0u; u < rowsInBlock; u += 1u) {', indent)
  shader.line(`let ${rows.row} = block + u;`, `${indent}  `)
}

/** Each row is read once by all lanes together, lane d its chunk d, and chunks are broadcast from there. */
function writeShuffled(shader: AttentionShader, rows: WalkedRows, indent: string, body: (walk: WalkBody) => void): void {
  const inner = `${indent}  `
  shader.line(`for (var ${rows.row} = ${rows.from}; ${rows.row} < ${rows.to}; ${rows.row} += 1u) {`, indent)
  for (const [name, access] of Object.entries(rows.vectors)) {
    shader.vectors.base(`${name}Base`, access, place(rows, rows.row), inner)
    shader.loadAcrossLanes(`${name}Row`, access, `${name}Base`, inner)
  }
  body({
    chunk: (name, d) => shader.chunkAcrossLanes(`${name}Row`, d),
    scalar: name => shader.vectors.scalar(rows.scalars[name], ['batch', rows.head, rows.row]).text,
    indent: inner,
  })
  shader.line('}', indent)
}

function writeTiled(shader: AttentionShader, rows: WalkedRows, indent: string, body: (walk: WalkBody) => void): void {
  const { group } = shader.layout
  const { chunks } = shader.vectors
  const names = Object.keys(rows.vectors)
  const size = Math.max(1, Math.min(32, Math.floor((WORKGROUP_BYTES - (shader.isBounded ? LENGTH_BYTES : 0)) / (16 * chunks * names.length))))
  const inner = `${indent}  `
  for (const name of names) shader.shared.push(`var<workgroup> ${name}Tile: array<vec4f, ${size * chunks}>;\n`)
  openBlock(shader, rows, size, indent)
  shader.line('workgroupBarrier();', inner)
  shader.line(`for (var part = local; part < ${size * chunks}u; part += ${group}u) {`, inner)
  shader.line(`let tileRow = min(block + part / ${chunks}u, ${rows.length - 1}u);`, `${inner}  `)
  shader.line(`let d = part % ${chunks}u;`, `${inner}  `)
  for (const [name, access] of Object.entries(rows.vectors)) {
    shader.vectors.base(`${name}Base`, access, place(rows, 'tileRow'), `${inner}  `)
    shader.line(`${name}Tile[part] = ${shader.vectors.load(access, `${name}Base`, 'd')};`, `${inner}  `)
  }
  shader.line('}', inner)
  shader.line('workgroupBarrier();', inner)
  openRows(shader, rows, size, inner)
  body({
    chunk: (name, d) => `${name}Tile[u * ${chunks}u + ${d}]`,
    scalar: name => shader.vectors.scalar(rows.scalars[name], ['batch', rows.head, rows.row]).text,
    indent: `${inner}  `,
  })
  shader.line('}', inner)
  shader.line('}', indent)
}
