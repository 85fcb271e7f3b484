// What the page and its worker say to each other. Only types: the page must not load what the worker computes with.

export interface RunSettings {
  readonly vocabSize: number
  readonly nLayer: number
  readonly nHead: number
  readonly nEmbd: number
  /** T: tokens a model sees at once, and the length of a training window. */
  readonly nPositions: number
  readonly batchSize: number
  readonly steps: number
  readonly lr: number
  readonly seed: number
}

export type DeviceChoice = 'auto' | 'webgpu' | 'wasm'

export interface GenerateRequest {
  readonly prompt: string
  readonly temperature: number
  readonly topK: number
  readonly count: number
  readonly seed: number
}

export type Request =
  | { readonly kind: 'open'; readonly device: DeviceChoice; readonly threads: number | null }
  | { readonly kind: 'read-file'; readonly file: File; readonly head: boolean }
  | { readonly kind: 'read-text'; readonly text: string; readonly name: string }
  | { readonly kind: 'tokenize'; readonly vocabSize: number }
  | { readonly kind: 'segment'; readonly merges: number }
  | { readonly kind: 'begin'; readonly settings: RunSettings }
  | { readonly kind: 'go' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'save' }
  | { readonly kind: 'look'; readonly sentence: string }
  | ({ readonly kind: 'generate' } & GenerateRequest)
  | { readonly kind: 'hush' }
  | { readonly kind: 'temperature'; readonly temperature: number }
  | { readonly kind: 'export' }
  | { readonly kind: 'import'; readonly file: File }
  | { readonly kind: 'forget' }
  | { readonly kind: 'logits'; readonly id: number; readonly prompt: string }

export interface DeviceReport {
  readonly device: 'webgpu' | 'wasm'
  readonly description: string
  /** Whether threads may share memory here. */
  readonly isolated: boolean
}

export interface TextReport {
  readonly name: string
  readonly characters: number
  readonly bytes: number
  /** How many different characters outside of ASCII it has. */
  readonly letters: number
  /** The first part, for showing tokens. */
  readonly excerpt: string
  readonly encoding: string
  /** Whether only the beginning of a larger file was taken. */
  readonly cut: boolean
}

/** Why a text was not taken. */
export type TextRefusal =
  | { readonly reason: 'empty' }
  | { readonly reason: 'short'; readonly characters: number; readonly least: number }
  | { readonly reason: 'binary' }
  | { readonly reason: 'large'; readonly bytes: number; readonly most: number }
  | { readonly reason: 'unreadable'; readonly detail: string }

/** A token of the excerpt: its text, or its bytes in hexadecimal where it is a part of a character. */
export interface Piece {
  readonly id: number
  readonly text: string
  readonly whole: boolean
}

export interface TokenReport {
  readonly vocabSize: number
  readonly merges: number
  readonly tokens: number
  readonly charactersPerToken: number
}

export interface AttentionReport {
  readonly step: number
  readonly tokens: readonly string[]
  readonly layers: number
  readonly heads: number
  /** (layers, heads, T, T), row-major: weights[l][h][query][key]. */
  readonly weights: Float32Array
}

export interface Point {
  readonly step: number
  readonly loss: number
}

export interface Sample {
  readonly step: number
  readonly text: string
}

export interface RunReport {
  readonly settings: RunSettings
  readonly parameters: number
  readonly text: string
  readonly step: number
  readonly points: readonly Point[]
  readonly validation: readonly Point[]
  readonly bitsPerByte: number | null
  readonly samples: readonly Sample[]
  /** A checkpoint of a model alone has no text to train on. */
  readonly trainable: boolean
}

export type Phase = 'running' | 'paused' | 'done'

export type FailureCode = 'no-webgpu' | 'no-wasm' | 'out-of-memory' | 'diverged' | 'checkpoint' | 'settings' | 'lost' | 'other'

export type StorageState = 'ready' | 'missing' | 'elsewhere' | 'full' | 'failed'

export type Report =
  | ({ readonly kind: 'opened' } & DeviceReport)
  | { readonly kind: 'storage'; readonly state: StorageState; readonly detail: string }
  | ({ readonly kind: 'text'; readonly stored: boolean } & TextReport)
  | { readonly kind: 'text-refused'; readonly refusal: TextRefusal; readonly name: string }
  | { readonly kind: 'merging'; readonly merges: number; readonly wanted: number }
  | ({ readonly kind: 'tokenized' } & TokenReport)
  | { readonly kind: 'segmented'; readonly merges: number; readonly pieces: readonly Piece[]; readonly newest: string | null }
  | ({ readonly kind: 'run' } & RunReport)
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'progress'; readonly points: readonly Point[]; readonly tokensPerSecond: number }
  | { readonly kind: 'evaluated'; readonly point: Point; readonly bitsPerByte: number }
  | { readonly kind: 'sampled'; readonly sample: Sample }
  | ({ readonly kind: 'attention' } & AttentionReport)
  | { readonly kind: 'generated'; readonly text: string; readonly finished: boolean }
  | { readonly kind: 'saved'; readonly step: number }
  | { readonly kind: 'exported'; readonly file: Blob; readonly name: string }
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'recovered'; readonly device: 'webgpu' | 'wasm'; readonly step: number }
  | { readonly kind: 'logits'; readonly id: number; readonly ids: readonly number[]; readonly logits: Float32Array }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string }
