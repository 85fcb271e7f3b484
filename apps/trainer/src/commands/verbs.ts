// The table of all verbs; the first is what `abovo` without a verb does.
import { chat } from './chat.js'
import { evaluateVerb } from './eval.js'
import { resume } from './resume.js'
import { sample } from './sample.js'
import { story } from './story.js'
import { train } from './train.js'
import type { Verb } from './verb.js'

export const verbs: readonly Verb[] = [story, train, resume, chat, sample, evaluateVerb]
