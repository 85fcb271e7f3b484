// A reward model on disk: config.json and model.safetensors as Hugging Face's GPT2ForSequenceClassification has them, and what its scores are
// counted from in reward.json.
import { isJsonObject, parseJson, readSafetensors, writeSafetensors, type GptConfig } from '@abovo/nn-transformer'
import { RewardModel, ScalarGpt } from '@abovo/rlhf-ppo'
import type { Device } from '@abovo/tensor-webgpu'
import { z } from 'zod'
import { Failure } from '../failure.js'
import type { Files } from '../storage/manifest.js'
import { openTokenizer, type TokenizerFile } from '../text/corpus.js'
import { inFolder } from './trained-model.js'

const NORMALIZATION = 'reward.json'

const configSchema = z.object({
  vocab_size: z.number(), n_positions: z.number(), n_embd: z.number(), n_layer: z.number(), n_head: z.number(), n_inner: z.number(),
  embd_pdrop: z.number(), attn_pdrop: z.number(), resid_pdrop: z.number(), layer_norm_epsilon: z.number(), initializer_range: z.number(),
}).transform((json): GptConfig => ({
  vocabSize: json.vocab_size, nPositions: json.n_positions, nEmbd: json.n_embd, nLayer: json.n_layer, nHead: json.n_head, nInner: json.n_inner,
  embdPdrop: json.embd_pdrop, attnPdrop: json.attn_pdrop, residPdrop: json.resid_pdrop, layerNormEpsilon: json.layer_norm_epsilon,
  initializerRange: json.initializer_range, tieWordEmbeddings: true,
}))
const normalizationSchema = z.object({ mean: z.number(), std: z.number().positive() })

/** @param config config.json of the language model it grew from. */
export async function rewardModelFiles({ model, normalization }: RewardModel, { config, tokenizer }: { config: Uint8Array; tokenizer: Uint8Array }): Promise<Files> {
  const origin = parseJson('config.json', new TextDecoder().decode(config))
  const fields = { ...(isJsonObject(origin) ? Object.fromEntries(origin) : {}), architectures: ['GPT2ForSequenceClassification'], num_labels: 1 }
  return {
    'config.json': jsonBytes(fields),
    'model.safetensors': writeSafetensors(await model.stateDict()),
    'tokenizer.json': tokenizer,
    [NORMALIZATION]: jsonBytes(normalization),
  }
}

/** @param where the folder, for messages. @throws Failure or CheckpointError naming the file. */
export function openRewardModel(files: Files, { device, where }: { device: Device; where: string }): TokenizerFile & { readonly rewardModel: RewardModel } {
  const config = configSchema.safeParse(jsonOf(files, 'config.json', where))
  const normalization = normalizationSchema.safeParse(jsonOf(files, NORMALIZATION, where))
  if (!config.success) throw new Failure('input', `${where}/config.json: the sizes of a reward model are expected, got none for ${config.error.issues.map(({ path }) => path.join('.')).join(', ')}`)
  if (!normalization.success) throw new Failure('input', `${where}/${NORMALIZATION}: mean and std must be numbers`)
  const model = new ScalarGpt(config.data, { head: 'zero', device })
  inFolder(where, () => model.loadStateDict(readSafetensors(partOf(files, 'model.safetensors', where), { where: 'model.safetensors' })))
  const rewardModel = new RewardModel(model)
  rewardModel.normalization = normalization.data
  return { ...openTokenizer(partOf(files, 'tokenizer.json', where), `${where}/tokenizer.json`), rewardModel }
}

const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

function partOf(files: Files, name: string, where: string): Uint8Array {
  if (!Object.hasOwn(files, name)) throw new Failure('input', `${where}: a reward model must have ${name}, got ${Object.keys(files).join(', ')}; is it a run of 'reward'?`)
  return files[name]
}

function jsonOf(files: Files, name: string, where: string): unknown {
  const parsed = inFolder(where, () => parseJson(name, new TextDecoder().decode(partOf(files, name, where))))
  return isJsonObject(parsed) ? Object.fromEntries(parsed) : null
}
