// `abovo resume`: a run goes on from its newest checkpoint, exactly as if it had not been interrupted.
import { join } from 'node:path'
import { z } from 'zod'
import { Failure } from '../failure.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { RunFolder } from '../storage/run-folder.js'
import { conduct, type Perform } from './conduct.js'
import { performPpo } from './ppo.js'
import { performReward } from './reward.js'
import { performSft } from './sft.js'
import { performStory } from './story.js'
import { performTrain } from './train.js'
import { verb } from './verb.js'

const performers: ReadonlyMap<string, Perform> = new Map([['train', performTrain], ['story', performStory], ['sft', performSft], ['reward', performReward], ['ppo', performPpo]])

export const resume = verb({
  name: 'resume',
  summary: 'go on with a run from its newest checkpoint',
  operand: { name: 'RUN', description: 'a folder that train, story, sft, reward or ppo made' },
  settings: z.object({ steps: options.steps.unwrap().optional().describe('go on to so many steps in all, with a schedule of that length').meta({ value: 'N' }), device: options.device, threads: options.threads, keep: options.keep }),
  run: async (settings, { session, operand }) => {
    const path = pathFrom(session, operand)
    const { record } = await RunFolder.open(path)
    const perform = performers.get(record.verb)
    if (perform === undefined) throw new Failure('input', `${path}/run.json: a run of ${[...performers.keys()].join(', ')} is expected, got one of '${record.verb}'`)
    const { steps } = settings
    if (steps !== undefined && record.verb === 'story') throw new Failure('usage', `${path}: --steps must be of one stage, got a story; name the stage, for instance ${join(operand, 'pretrain')}`)
    await conduct(async (run, hands) => perform(steps === undefined ? run : await run.withSettings({ steps }), hands), {
      session, settings,
      open: device => {
        const began = record.facts['device']
        if (began !== undefined && device.kind !== began) session.terminal.line(`The run began on ${began}; on ${device.kind} its numbers will differ in the last digits.`)
        return RunFolder.open(path, { keep: settings.keep })
      },
    })
  },
})
