// One prompt and the response that a policy gave, as rewards see it. How it was sampled is rollout.ts; what it is worth is reward.ts.

export interface Sample {
  /** Text by the trainer's tokenizer; without one, the ids with spaces between. */
  readonly prompt: string
  /** Without the end token. */
  readonly response: string
  readonly promptIds: readonly number[]
  /** Up to and with the first end token. */
  readonly responseIds: readonly number[]
  /** Did the response end by itself, with an end token, rather than by its length? */
  readonly ended: boolean
}
