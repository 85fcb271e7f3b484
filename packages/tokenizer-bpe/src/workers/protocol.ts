// What a pool and its workers say to each other. One answer to each request, in order.
import type { PackedCounts } from '../train/word-counts.ts'

export type WorkerRequest =
  | { kind: 'open'; compact: Uint8Array }
  | { kind: 'encode'; texts: string[]; allowedSpecial: 'all' | string[]; disallowedSpecial: 'all' | string[] }
  | { kind: 'count'; text: string; pattern: string; byLine: boolean }

export type WorkerAnswer =
  | { kind: 'opened' }
  | { kind: 'ids'; ids: Uint32Array[] }
  | { kind: 'counts'; counts: PackedCounts }
  | { kind: 'failed'; code: string; message: string }
