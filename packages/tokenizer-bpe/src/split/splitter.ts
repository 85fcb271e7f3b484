// How a text is cut into pieces before merging: by one of the three known patterns, by any other pattern, or not at all.
import { provideClasses } from '../text/unicode-classes.ts'
import type { Scan } from './scan.ts'

export interface Splitter {
  /** The pattern in the regular expression syntax of tokenizer files; '' cuts nothing. */
  readonly pattern: string
  /** Name of the scanner that does it, if one does. */
  readonly scanner?: string
  /** Whether a long text may be cut as split/chunks.ts does. */
  readonly cuttable: boolean
  /** Starts on a text and returns the scanner of its bytes. */
  begin(text: string): Scan
}

/** @param classes packed runs of the Unicode classes that the scanner reads */
export function scanning(pattern: string, scan: Scan, scanner: string, classes: string): Splitter {
  return {
    pattern, scanner, cuttable: true,
    begin() {
      provideClasses(classes)
      return scan
    },
  }
}

/** Cuts nothing: a text is one piece. */
export const uncut: Splitter = { pattern: '', cuttable: false, begin: () => (_bytes, _start, end) => end }
