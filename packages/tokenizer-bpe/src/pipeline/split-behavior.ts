// What becomes of the matches when a text is split at them: Hugging Face's five behaviours.
import type { Finder } from '../split/pattern/find.ts'

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous'

export const SPLIT_BEHAVIORS: readonly SplitBehavior[] = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']

/** Splits `text` at what `find` finds, or with `invert` at what it does not find. No piece is empty. */
export function splitAt(text: string, find: Finder, behavior: SplitBehavior, invert = false): string[] {
  const parts: { start: number; end: number; match: boolean }[] = []
  let last = 0
  for (const { start, end } of find(text)) {
    if (start > last) parts.push({ start: last, end: start, match: invert })
    parts.push({ start, end, match: !invert })
    last = end
  }
  if (last < text.length) parts.push({ start: last, end: text.length, match: invert })

  const spans: { start: number; end: number }[] = []
  let previousMatch = false
  for (const [k, part] of parts.entries()) {
    const top = spans[spans.length - 1]
    const { start, end, match } = part
    switch (behavior) {
      case 'Removed':
        if (!match) spans.push({ start, end })
        break
      case 'Isolated':
        spans.push({ start, end })
        break
      case 'Contiguous':
        if (top !== undefined && match === previousMatch) top.end = end
        else spans.push({ start, end })
        break
      case 'MergedWithPrevious':
        if (match && !previousMatch && top !== undefined) top.end = end
        else spans.push({ start, end })
        break
      case 'MergedWithNext':
        // a match waits for the text behind it
        if (k > 0 && !match && previousMatch && top !== undefined) top.end = end
        else spans.push({ start, end })
        break
    }
    previousMatch = match
  }
  return spans.filter(({ start, end }) => end > start).map(({ start, end }) => text.slice(start, end))
}
