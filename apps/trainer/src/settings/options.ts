// The one table of options: what each means, its limits and its default. Verbs pick from it; flags, --help, the keys of a --config file and the
// checks all follow from here. Names of hyperparameters are GPT-2's.
import { z } from 'zod'

const toNumber = (value: unknown): unknown => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value)

/** The message of a failed check says only what must hold; the rest is added where all complaints are gathered. */
const number = (must: string, holds: (value: number) => boolean) => z.preprocess(toNumber, z.number({ error: must }).refine(holds, { error: must }))

const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(most === Number.MAX_SAFE_INTEGER ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`, value => Number.isSafeInteger(value) && value >= least && value <= most)
const positive = number('a number above 0', value => value > 0 && Number.isFinite(value))
const share = number('a number from 0 up to, but not, 1', value => value >= 0 && value < 1)
const words = z.string({ error: 'text' })
const path = z.string({ error: 'a path' }).min(1, { error: 'a path' })

const goldNames = ['auto', 'sentiment', 'brevity'] as const
const stageNames = ['pretrain', 'sft', 'reward', 'ppo'] as const
const deviceNames = ['auto', 'webgpu', 'wasm', 'reference'] as const
const precisionNames = ['f32', 'mixed'] as const

export const options = {
  // where things come from and go to
  text: path.optional().describe('UTF-8 text to learn from; without it, Moby-Dick').meta({ value: 'FILE' }),
  data: path.describe('rows in JSON Lines').meta({ value: 'FILE' }),
  out: path.optional().describe('folder of the new run; without it, a new one in runs/').meta({ value: 'DIR' }),
  device: z.enum(deviceNames, { error: `one of ${deviceNames.join(', ')}` }).default('auto').describe('what computes; auto is a GPU if there is one, else wasm').meta({ value: 'NAME' }),
  threads: whole(1, 64).optional().describe('of the wasm device; all processors without it').meta({ value: 'N' }),
  seed: whole(0).default(1).describe('of everything random').meta({ value: 'N' }),

  // the model
  vocabSize: whole(257, 200_000).default(1024).describe('tokens of the BPE vocabulary, 256 bytes and one special included').meta({ value: 'N' }),
  nLayer: whole(1, 200).default(4).describe('Transformer blocks').meta({ value: 'N' }),
  nEmbd: whole(1, 20_000).default(128).describe('width').meta({ value: 'N' }),
  nHead: whole(1, 1000).default(4).describe('attention heads').meta({ value: 'N' }),
  nPositions: whole(2, 100_000).default(64).describe('context length in tokens').meta({ value: 'N' }),
  dropout: share.default(0).describe('probability').meta({ value: 'P' }),

  // learning
  steps: whole(1).default(1800).describe('in all, those before a resume included').meta({ value: 'N' }),
  batchSize: whole(1, 100_000).default(16).describe('sequences a step').meta({ value: 'N' }),
  lr: positive.default(3e-3).describe('highest learning rate').meta({ value: 'X' }),
  warmupSteps: whole(0).optional().describe('steps until it is reached; without it a tenth, at most 200').meta({ value: 'N' }),
  weightDecay: number('a number, 0 or more', value => value >= 0 && Number.isFinite(value)).default(0.1).describe('of AdamW').meta({ value: 'X' }),
  precision: z.enum(precisionNames, { error: `one of ${precisionNames.join(', ')}` }).default('f32').describe('mixed computes in f16 with f32 weights, on GPUs with f16').meta({ value: 'NAME' }),
  heldOut: number('a number between 0 and 0.5', value => value > 0 && value <= 0.5).default(0.1).describe('share of the text, at its end, that is only evaluated on').meta({ value: 'P' }),
  evaluateEvery: whole(0).default(300).describe('steps between evaluations; 0 for none until the end').meta({ value: 'N' }),
  checkpointEvery: whole(1).default(300).describe('steps between checkpoints').meta({ value: 'N' }),
  keep: whole(1, 1000).default(2).describe('how many checkpoints stay').meta({ value: 'N' }),

  // alignment
  reward: words.default('sentiment').describe("a run of 'reward', or the name of a gold reward: sentiment, brevity").meta({ value: 'RUN' }),
  preference: z.enum(goldNames, { error: `one of ${goldNames.join(', ')}` }).default('auto').describe('what is preferred; auto is sentiment, or brevity where the word list does not know the language').meta({ value: 'NAME' }),
  heldOutRankings: whole(0).default(0).describe('rankings at the beginning that are only evaluated on').meta({ value: 'N' }),
  responseLength: whole(1, 100_000).default(32).describe('tokens of an answer at most').meta({ value: 'N' }),
  klCoefficient: number('a number, 0 or more', value => value >= 0 && Number.isFinite(value)).default(0.1).describe('of the penalty for leaving the reference').meta({ value: 'X' }),
  epochs: whole(1, 100).default(2).describe('passes over each batch of answers').meta({ value: 'N' }),
  minibatches: whole(1, 1000).default(2).describe('updates in a pass').meta({ value: 'N' }),
  until: z.enum(stageNames, { error: `one of ${stageNames.join(', ')}` }).default('ppo').describe('the last stage').meta({ value: 'STAGE' }),

  // generating
  prompt: words.optional().describe('what to continue').meta({ value: 'TEXT' }),
  tokens: whole(1, 1_000_000).default(120).describe('how many tokens at most').meta({ value: 'N' }),
  samples: whole(1, 1000).default(1).describe('how many texts').meta({ value: 'N' }),
  temperature: number('a number, 0 or more', value => value >= 0 && Number.isFinite(value)).default(0.8).describe('0 takes the likeliest token').meta({ value: 'X' }),
  topK: whole(1).optional().describe('only the K likeliest tokens').meta({ value: 'K' }),
  topP: number('a number above 0, at most 1', value => value > 0 && value <= 1).optional().describe('only the likeliest tokens that together have this probability').meta({ value: 'P' }),
} as const

/** `batchSize` → `--batch-size`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
