// What a language model expects next, with probabilities; and how expected each token of a text was.
import { tensor } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { chooseToken, topTokens } from '../generate/sampling.js'
import type { LanguageModel } from '../models/language-model.js'

export interface Expectation {
  readonly token: number
  readonly probability: number
}

/**
 * The k likeliest next tokens, likeliest first.
 *
 * @example
 * const [first] = await nextTokens(model, tokenizer.encode('To be or not to'), { k: 5 })
 * tokenizer.decode([first.token])
 */
export async function nextTokens(model: LanguageModel, tokens: ArrayLike<number>, { k = 10 }: { k?: number } = {}): Promise<Expectation[]> {
  const logits = (await logitsOf(model, tokens)).subarray(-model.vocabSize)
  const best = chooseToken(logits, { temperature: 0 }, 0)
  return topTokens(logits, k).map(token => ({ token, probability: Math.exp(logits[token] - logits[best.token] + best.logProb) }))
}

/** −log₂ of each token's probability given those before it, in bits; the first token, with nothing before it, is left out. */
export async function surprisal(model: LanguageModel, tokens: ArrayLike<number>): Promise<Float32Array> {
  const logits = await logitsOf(model, tokens)
  const V = model.vocabSize
  return Float32Array.from({ length: tokens.length - 1 }, (_, t) => {
    const row = logits.subarray(t * V, (t + 1) * V)
    const best = chooseToken(row, { temperature: 0 }, 0)
    return -(row[tokens[t + 1]] - row[best.token] + best.logProb) / Math.LN2
  })
}

/** (T, V). */
async function logitsOf(model: LanguageModel, tokens: ArrayLike<number>): Promise<Float32Array> {
  checkTokens('nextTokens', tokens, model.vocabSize)
  const ids = tensor(Int32Array.from(tokens), { shape: [1, tokens.length], device: model.parameters()[0].device })
  return Float32Array.from(await model.forward(ids).data())
}
