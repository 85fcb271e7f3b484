// How well a language model predicts a held-out text: every token scored once. Nats per token depend on the tokenizer; nats per character and bits
// per byte compare across tokenizers.
import { compile, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { evaluationWindows, IGNORED } from '../data/evaluation-windows.js'
import { DataError } from '../errors.js'
import { languageLoss, type LanguageModel } from '../models/language-model.js'

export interface Evaluation {
  /** Total −log p of the tokens scored. */
  readonly nats: number
  readonly tokens: number
  readonly natsPerToken: number
  /** exp of nats per token. */
  readonly perplexity: number
  /** Of Unicode code points. */
  readonly natsPerCharacter: number
  /** Of UTF-8. */
  readonly bitsPerByte: number
}

export interface EvaluateOptions {
  /** At most the model's context length, which is the default. */
  blockSize?: number
  batchSize?: number
  /** Half a block by default: every token but the first ones has at least half a block of context. */
  stride?: number
  /** Turns the scored tokens into text, whose characters and bytes are counted. */
  decode?: (ids: ArrayLike<number>) => string
}

/** Totals as the usual averages. `text` is what the scored tokens say. */
export function evaluationOf(nats: number, tokens: number, text: string): Evaluation {
  const bytes = new TextEncoder().encode(text).length
  const characters = [...text].length
  return { nats, tokens, natsPerToken: nats / tokens, perplexity: Math.exp(nats / tokens), natsPerCharacter: nats / characters, bitsPerByte: nats / Math.LN2 / bytes }
}

/** Keeps the compiled forward pass, for evaluations that are repeated during training. */
export class Evaluator {
  readonly #model: LanguageModel
  readonly #options: Required<Omit<EvaluateOptions, 'decode'>>
  readonly #nats: (inputs: Tensor, targets: Tensor) => Tensor
  readonly #dispose: () => void

  constructor(model: LanguageModel, { blockSize = model.contextLength ?? 64, batchSize = 8, stride = Math.ceil(blockSize / 2) }: Omit<EvaluateOptions, 'decode'> = {}) {
    if (model.contextLength !== null && blockSize > model.contextLength) throw new DataError(`Evaluator: the block size must be at most the model's context length ${model.contextLength}, got ${blockSize}`)
    this.#model = model
    this.#options = { blockSize, batchSize, stride }
    const nats = compile((inputs: Tensor, targets: Tensor) => languageLoss(model, inputs, targets, { reduction: 'sum', ignoreIndex: IGNORED, evaluating: true }))
    this.#nats = nats
    this.#dispose = () => nats.dispose()
  }

  /** Scores tokens 1 to n−1: the first has nothing before it. Throws DataError for fewer than two tokens, or ids outside the vocabulary. */
  async evaluate(tokens: ArrayLike<number>, { decode }: Pick<EvaluateOptions, 'decode'> = {}): Promise<Evaluation> {
    if (tokens.length < 2) throw new DataError(`evaluate: at least two tokens are needed, got ${tokens.length}`)
    checkTokens('evaluate', tokens, this.#model.vocabSize)
    const device = this.#model.parameters()[0].device
    const sums: Promise<number>[] = []
    for (const { inputs, targets } of evaluationWindows(tokens, this.#options)) {
      const sum = this.#nats(tensor(inputs.data, { shape: inputs.shape, device }), tensor(targets.data, { shape: targets.shape, device }))
      sums.push(sum.item())
      // not more than a few batches ahead of the device
      if (sums.length > 3) await sums[sums.length - 4]
    }
    const nats = (await Promise.all(sums)).reduce((a, b) => a + b, 0)
    return evaluationOf(nats, tokens.length - 1, decode === undefined ? '' : decode(Int32Array.from(tokens).subarray(1)))
  }

  dispose(): void {
    this.#dispose()
  }
}

/**
 * One evaluation. Without `decode` the figures per character and byte are not known: NaN.
 *
 * @example
 * const { natsPerCharacter, bitsPerByte } = await evaluate(model, validation, { decode: ids => tokenizer.decode(ids) })
 */
export async function evaluate(model: LanguageModel, tokens: ArrayLike<number>, { decode, ...options }: EvaluateOptions = {}): Promise<Evaluation> {
  const evaluator = new Evaluator(model, options)
  try {
    return await evaluator.evaluate(tokens, decode === undefined ? {} : { decode })
  } finally {
    evaluator.dispose()
  }
}
