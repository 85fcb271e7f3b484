// The hyperparameters of BERT, named as in Hugging Face's config.json (there with underscores), checked, with its defaults.
import { ConfigError } from '../errors.js'

export interface BertConfig {
  vocabSize: number
  maxPositionEmbeddings: number
  hiddenSize: number
  numHiddenLayers: number
  numAttentionHeads: number
  intermediateSize: number
  typeVocabSize: number
  hiddenDropoutProb: number
  attentionProbsDropoutProb: number
  layerNormEps: number
  initializerRange: number
}

export type BertOptions = Pick<BertConfig, 'vocabSize' | 'maxPositionEmbeddings' | 'hiddenSize' | 'numHiddenLayers' | 'numAttentionHeads'> & Partial<BertConfig>

/** @throws ConfigError naming every field that does not fit. */
export function bertConfig(options: BertOptions): BertConfig {
  const config: BertConfig = {
    intermediateSize: 4 * options.hiddenSize,
    typeVocabSize: 2,
    hiddenDropoutProb: 0,
    attentionProbsDropoutProb: 0,
    layerNormEps: 1e-12,
    initializerRange: 0.02,
    ...options,
  }
  const whole = (['vocabSize', 'maxPositionEmbeddings', 'hiddenSize', 'numHiddenLayers', 'numAttentionHeads', 'intermediateSize', 'typeVocabSize'] as const).filter(name => !(Number.isSafeInteger(config[name]) && config[name] > 0))
  const complaints = whole.map(name => `${name} must be a positive integer, got ${config[name]}`)
  if (whole.length === 0 && config.hiddenSize % config.numAttentionHeads !== 0) complaints.push(`hiddenSize must be a multiple of numAttentionHeads, got ${config.hiddenSize} and ${config.numAttentionHeads}`)
  if (complaints.length > 0) throw new ConfigError(`bertConfig: ${complaints.join('; ')}`)
  return config
}
