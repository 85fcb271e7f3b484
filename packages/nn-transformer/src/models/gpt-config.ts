// The hyperparameters of GPT-2, named as in Hugging Face's config.json (there with underscores), checked, with GPT-2's defaults.
import { ConfigError } from '../errors.js'

export interface GptConfig {
  vocabSize: number
  /** T: the longest context. */
  nPositions: number
  /** C. */
  nEmbd: number
  nLayer: number
  nHead: number
  /** Width of the MLP; 4·C by default. */
  nInner: number
  /** Dropout of embeddings, attention weights and residual branches. */
  embdPdrop: number
  attnPdrop: number
  residPdrop: number
  layerNormEpsilon: number
  /** Standard deviation of the first weights. */
  initializerRange: number
  /** The output layer is the token table. */
  tieWordEmbeddings: boolean
}

/** What must be said; everything else has GPT-2's value, and no dropout. */
export type GptOptions = Pick<GptConfig, 'vocabSize' | 'nPositions' | 'nEmbd' | 'nLayer' | 'nHead'> & Partial<GptConfig>

/** @throws ConfigError naming every field that does not fit. */
export function gptConfig(options: GptOptions): GptConfig {
  const config: GptConfig = {
    nInner: 4 * options.nEmbd,
    embdPdrop: 0,
    attnPdrop: 0,
    residPdrop: 0,
    layerNormEpsilon: 1e-5,
    initializerRange: 0.02,
    tieWordEmbeddings: true,
    ...options,
  }
  const whole = (['vocabSize', 'nPositions', 'nEmbd', 'nLayer', 'nHead', 'nInner'] as const).filter(name => !(Number.isSafeInteger(config[name]) && config[name] > 0))
  const chances = (['embdPdrop', 'attnPdrop', 'residPdrop'] as const).filter(name => !(config[name] >= 0 && config[name] < 1))
  const complaints = [
    ...whole.map(name => `${name} must be a positive integer, got ${config[name]}`),
    ...chances.map(name => `${name} must lie in [0, 1), got ${config[name]}`),
    ...(whole.length === 0 && config.nEmbd % config.nHead !== 0 ? [`nEmbd must be a multiple of nHead, got ${config.nEmbd} and ${config.nHead}`] : []),
  ]
  if (complaints.length > 0) throw new ConfigError(`gptConfig: ${complaints.join('; ')}`)
  return config
}
