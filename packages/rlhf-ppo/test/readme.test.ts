import { Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Ppo } from '../src/index.ts'

test('the five lines that open the README run and do what they say', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, code] = readme.match(/```ts\n([\s\S]*?)```/)!
  expect(code.trim().split('\n')).toHaveLength(5)
  const javascript = code.replace(': RewardFunction', '')
  const run = new Function('Gpt', 'Ppo', 'requestDevice', 'scores', `return (async () => { ${javascript}\n return answer })()`)
  const scores: number[] = []
  const answer = await run(Gpt, Ppo, requestDevice, scores)
  expect(scores).toHaveLength(30)
  expect(scores[29]).toBeGreaterThan(scores[0] + 2)
  expect(answer.responseIds.filter((id: number) => id === 5).length).toBeGreaterThan(3)
})
