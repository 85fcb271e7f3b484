// A text's sentences as prompts with completions: the first words are the prompt, the rest is what a model should learn to say, and then to stop.
import type { Demonstration } from '@abovo/rlhf-ppo'

const WORDS_IN_PROMPT = 3

/** Sentences of 6 to 24 words that stand in one line. */
export function sentencesOf(text: string): Demonstration[] {
  const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
  const found = text.split(/\n+/).flatMap(line => [...sentences.segment(line)].map(({ segment }) => segment.trim()))
  return found.flatMap(sentence => {
    const words = sentence.split(/\s+/)
    if (words.length < 6 || words.length > 24 || !/[.!?。！？]["'”’)]*$/.test(sentence)) return []
    // completions keep the space before them: that is how the vocabulary has words
    return [{ prompt: words.slice(0, WORDS_IN_PROMPT).join(' '), completion: ` ${words.slice(WORDS_IN_PROMPT).join(' ')}` }]
  })
}

/** At most `count` of a list, evenly spread over it. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items]
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)])
}
