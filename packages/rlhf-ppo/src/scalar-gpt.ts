// A GPT that gives one number per position instead of logits: the shape of reward models and value networks alike. Parameters are named as in
// Hugging Face's GPT2ForSequenceClassification. What the number means is its user's affair.
import { Gpt, Initializer, Linear, Module, type GptConfig } from '@abovo/nn-transformer'
import type { Device, Tensor } from '@abovo/tensor-webgpu'

/** How the head starts: drawn from N(0, 1/(C + 1)) as reward models do, or zero as value networks do. */
export type ScalarHead = { seed: number } | 'zero'

export class ScalarGpt extends Module {
  readonly #body: Gpt
  readonly score: Linear

  constructor(config: GptConfig, { head, device }: { head: ScalarHead; device?: Device }) {
    super()
    // tied, whatever the origin was: an output layer would be a parameter that nothing depends on
    this.#body = new Gpt({ ...config, tieWordEmbeddings: true }, { seed: null, device })
    const initializer = new Initializer(head === 'zero' ? null : head.seed, { device })
    this.score = new Linear({ inputs: config.nEmbd, outputs: 1, bias: false, start: { std: 1 / Math.sqrt(config.nEmbd + 1) }, initializer })   // arXiv 2403.17031, detail 11
  }

  /** A body copied from a language model or from another scalar model, and a new head. */
  static async from(origin: Gpt | ScalarGpt, { head }: { head: ScalarHead }): Promise<ScalarGpt> {
    const model = new ScalarGpt(origin.config, { head, device: origin.parameters()[0].device })
    const body = [...(await origin.stateDict())].filter(([name]) => name.startsWith('transformer.'))
    const score = [...(await model.stateDict())].filter(([name]) => name.startsWith('score.'))
    return model.loadStateDict(new Map([...body, ...score]))
  }

  protected override fields(): readonly (readonly [string, unknown])[] {
    return [['transformer', this.#body.transformer], ['score', this.score]]
  }

  get config(): GptConfig {
    return this.#body.config
  }

  /** Token ids (B, T) → one number per position (B, T). */
  forward(ids: Tensor): Tensor {
    return this.score.forward(this.#body.hidden(ids)).squeeze(2)
  }

  /** The number at one position of each row: ids (N, T), last (N) → (N). */
  forwardAt(ids: Tensor, last: Tensor): Tensor {
    return this.forward(ids).gather(1, last.unsqueeze(1)).squeeze(1)
  }
}

/** A copy of a language model that shares nothing with it: the frozen reference. */
export async function copyGpt(model: Gpt): Promise<Gpt> {
  return new Gpt(model.config, { seed: null, device: model.parameters()[0].device }).loadStateDict(await model.stateDict())
}
