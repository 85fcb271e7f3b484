// The table of all verbs; the first is what `abovo` without a verb does.
import { chat } from './chat.js'
import { evaluateVerb } from './eval.js'
import { ppo } from './ppo.js'
import { resume } from './resume.js'
import { reward } from './reward.js'
import { sample } from './sample.js'
import { sft } from './sft.js'
import { story } from './story.js'
import { train } from './train.js'
import type { Verb } from './verb.js'

export const verbs: readonly Verb[] = [story, train, resume, chat, sample, evaluateVerb, sft, reward, ppo]
