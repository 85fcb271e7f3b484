// Sampling responses from a policy with nn-transformer's KV cache: at a temperature, from the whole vocabulary (a top-k or top-p cut would
// make the sampling distribution another one than the policy's, and KL estimates negative), up to the first end token.
import { generate, openSession, PlainSession, type DecodingSession, type Generated, type GenerateOptions, type Gpt } from '@abovo/nn-transformer'
import type { TextTokenizer } from './demonstration.js'
import { OptionError } from './errors.js'
import type { Rollout } from './experience.js'
import type { Sample } from './sample.js'

export interface SamplerOptions {
  endToken: number
  /** Tokens after which a response is cut. */
  responseLength: number
  temperature?: number
  /** For the texts in samples. */
  tokenizer?: TextTokenizer | undefined
}

export class Sampler {
  readonly #policy: Gpt
  readonly #options: SamplerOptions
  #session: DecodingSession | null = null

  constructor(policy: Gpt, options: SamplerOptions) {
    const { endToken } = options
    if (!(Number.isSafeInteger(endToken) && endToken >= 0 && endToken < policy.vocabSize))
      throw new OptionError(`Sampler: the end token must be a token id below the vocabulary size ${policy.vocabSize}, got ${endToken}; a response would never end`)
    this.#policy = policy
    this.#options = options
  }

  /**
   * One response per prompt.
   *
   * @param seed equal seeds give equal responses of an equal policy
   * @throws OptionError when a prompt leaves no room for the response in the context
   */
  async sample(prompts: readonly ArrayLike<number>[], seed: number): Promise<Rollout> {
    const { endToken, responseLength, temperature = 1 } = this.#options
    const options = { maxNewTokens: responseLength, temperature, seed, stopTokens: [endToken] }
    const session = this.#open(prompts)
    const cached = await generate(this.#policy, prompts, { ...options, session })
    const seen = prompts.reduce((most, prompt, b) => Math.max(most, prompt.length + cached[b].tokens.length - 1), 0)
    // A full cache is begun anew with fewer tokens: what follows would be sampled from another distribution than the policy's.
    const generated = session.held >= seen ? cached : await this.#sampleWithoutCache(prompts, options)
    return {
      samples: generated.map(({ tokens, finish }, b) => this.#describe(Array.from(prompts[b]), Array.from(tokens), finish === 'stop')),
      sampledLogProbs: generated.map(({ logProbs }) => Float64Array.from(logProbs)),
    }
  }

  dispose(): void {
    this.#session?.dispose()
    this.#session = null
  }

  /** The session is kept from rollout to rollout while it fits: its plans are compiled once. */
  #open(prompts: readonly ArrayLike<number>[]): DecodingSession {
    const { contextLength } = this.#policy
    const longest = prompts.reduce((length, prompt) => Math.max(length, prompt.length), 0)
    const wanted = longest + this.#options.responseLength
    if (wanted > contextLength) throw new OptionError(`rollout: prompt and response must fit in the context of ${contextLength} tokens, got ${longest} and ${this.#options.responseLength}; shorten the prompts or the response length`)
    if (this.#session?.batchSize === prompts.length && this.#session.capacity >= Math.min(wanted * 2, contextLength)) return this.#session
    this.dispose()
    // twice what is wanted: sessions may pad prompts up to the next power of two
    this.#session = openSession(this.#policy, { batchSize: prompts.length, capacity: Math.min(wanted * 2, contextLength) })
    return this.#session
  }

  async #sampleWithoutCache(prompts: readonly ArrayLike<number>[], options: GenerateOptions): Promise<Generated[]> {
    const session = new PlainSession(this.#policy, { batchSize: prompts.length })
    const generated = await generate(this.#policy, prompts, { ...options, session })
    session.dispose()
    return generated
  }

  #describe(promptIds: number[], responseIds: number[], ended: boolean): Sample {
    const text = (ids: readonly number[]): string => this.#options.tokenizer?.decode(ids) ?? ids.join(' ')
    return { prompt: text(promptIds), response: text(ended ? responseIds.slice(0, -1) : responseIds), promptIds, responseIds, ended }
  }
}
