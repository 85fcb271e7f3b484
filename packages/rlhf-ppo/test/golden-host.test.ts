import { describe, expect, test } from 'vitest'
import { generalizedAdvantages, groupAdvantages, klEstimate, klOfBestOf, leaveOneOutAdvantages, moments, nextKlCoefficient, whiten } from '../src/index.ts'
import { golden, goldenMissing } from './golden.ts'

const close = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-10) => {
  expect(got.length).toBe(want.length)
  for (let i = 0; i < want.length; i++) expect(Math.abs(got[i] - want[i]), `entry ${i}: ${got[i]} and ${want[i]}`).toBeLessThanOrEqual(tolerance)
}

describe.skipIf(goldenMissing !== null)(`arithmetic on the host equals PyTorch ${goldenMissing ?? ''}`, () => {
  test.each(Object.keys(golden).filter(key => key.startsWith('gae_')))('%s', key => {
    const [, gamma, lambda] = key.match(/gae_g([\d.]+)_l([\d.]+)/)!.map(Number)
    golden[key].rewards.forEach((rewards: number[], row: number) => {
      const got = generalizedAdvantages(rewards, golden[key].values[row], { gamma, lambda })
      close(got.advantages, golden[key].adv[row])
      close(got.returns, golden[key].returns[row])
    })
  })

  test.each([false, true])('whitening, unbiased %s', unbiased => {
    const { x, shift, noshift } = golden[`whiten_unbiased_${unbiased ? 'True' : 'False'}`]
    close(whiten(x, { unbiased }), shift)
    close(whiten(x, { unbiased, shiftMean: false }), noshift)
  })

  test('masked whitening', () => {
    const { x, mask, mean, var_biased, var_unbiased, biased, unbiased } = golden.masked_whiten
    close([moments(x, mask).mean, moments(x, mask).variance, moments(x, mask, true).variance], [mean, var_biased, var_unbiased])
    close(whiten(x, { mask }), biased)
    close(whiten(x, { mask, unbiased: true }), unbiased)
  })

  test('KL estimators', () => {
    const { lp, ref } = golden.kl
    for (const estimator of ['k1', 'k2', 'k3'] as const) close(lp.map((l: number, i: number) => klEstimate(l, ref[i], estimator)), golden.kl[estimator])
  })

  test('the adaptive KL controller', () => {
    const { init, target, horizon, n_steps, kls, values } = golden.adaptive_kl
    let coefficient = init
    close(kls.map((kl: number) => (coefficient = nextKlCoefficient({ initial: init, target, horizon }, coefficient, kl, n_steps))), values)
  })

  test('group advantages of GRPO and RLOO', () => {
    const { rewards, adv_std_unbiased, adv_mean_only, rloo } = golden.grpo_group4
    rewards.forEach((group: number[], i: number) => {
      close(groupAdvantages(group), adv_std_unbiased[i])
      close(groupAdvantages(group, { scale: false }), adv_mean_only[i])
      close(leaveOneOutAdvantages(group), rloo[i])
    })
  })

  test('KL of the best of n', () => {
    for (const [n, kl] of Object.entries<number>(golden.kl_best_of_n)) close([klOfBestOf(Number(n))], [kl])
  })
})

test('a fixed coefficient stays whatever the KL', () => expect(nextKlCoefficient(0.05, 0.05, 100, 512)).toBe(0.05))
test('whitening one value gives no NaN', () => expect([...whiten([3], { unbiased: true })]).toEqual([0]))
test('rewards and values of different lengths are refused', () => expect(() => generalizedAdvantages([1], [])).toThrow('one entry per token, got 1 and 0'))
