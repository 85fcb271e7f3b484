import { expect, test } from 'vitest'
import { fittingGoldReward, goldReward } from '../../src/alignment/gold-reward.ts'

test('sentiment adds the ratings of words, within five', () => {
  const { score } = goldReward('sentiment')
  expect(score(' was good.')).toBe(3)
  expect(score(' was BAD, and good!')).toBe(0)
  expect(score(' the of and')).toBe(0)
  expect(score(' good good good good')).toBe(5)
})

test('brevity is liked where the word list knows no word', () => {
  expect(fittingGoldReward(['고래는 크다.', '바다는 넓다.']).name).toBe('brevity')
  expect(fittingGoldReward(['He loved the sea.', 'It was terrible.']).name).toBe('sentiment')
  expect(goldReward('brevity').score('short')).toBeGreaterThan(goldReward('brevity').score('a much longer answer than that'))
})
