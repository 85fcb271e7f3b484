import { grad } from '@abovo/autograd'
import { requestDevice, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { describe, expect, test } from 'vitest'
import { bestOfLoss, bradleyTerryLoss, dpoLoss, klTensor, plackettLuceLoss, policyLoss, rankingLoss, tokenEntropies, tokenLogProbs, tokenMean, valueLoss } from '../src/index.ts'
import { golden, goldenMissing } from './golden.ts'

const device = await requestDevice('reference')
const t = (values: number[] | number[][]) => tensor(values, { device })
const close = async (got: Tensor, want: number | number[], tolerance = 1e-10) => {
  const values = await got.data()
  const expected = [want].flat()
  expect(values.length).toBe(expected.length)
  expected.forEach((value, i) => expect(Math.abs(values[i] - value), `entry ${i}: ${values[i]} and ${value}`).toBeLessThanOrEqual(tolerance))
}

describe.skipIf(goldenMissing !== null)(`losses equal PyTorch ${goldenMissing ?? ''}`, () => {
  test('clipped policy loss', async () => {
    const { new: now, old, adv, eps, ratio, loss, clipfrac, approxkl_half_sq } = golden.pg_clip
    const got = policyLoss({ logProbs: t(now), oldLogProbs: t(old), advantages: t(adv), mask: t([1, 1, 1, 1]), count: 4, clipRange: eps })
    await close(got.ratio, ratio)
    await close(got.loss, loss)
    await close(got.clipFraction, clipfrac)
    await close(got.approximateKl, approxkl_half_sq)
    const logProbs = t(now)
    await close(grad(policyLoss({ logProbs, oldLogProbs: t(old), advantages: t(adv), mask: t([1, 1, 1, 1]), count: 4, clipRange: eps }).loss, logProbs), golden.pg_clip.grad_new)
  })

  test.each(['vf_clip', 'vf_clip_active'])('clipped value loss: %s', async key => {
    const { vpred, old, ret, clip, loss, clipfrac } = golden[key]
    const got = valueLoss({ values: t(vpred), oldValues: t(old), returns: t(ret), mask: t([1, 1, 1, 1]), count: 4, clipRange: clip })
    await close(got.loss, loss)
    await close(got.clipFraction, clipfrac)
    const values = t(vpred)
    await close(grad(valueLoss({ values, oldValues: t(old), returns: t(ret), mask: t([1, 1, 1, 1]), count: 4, clipRange: clip }).loss, values), golden[key].grad)
  })

  test('KL estimators', async () => {
    const { lp, ref } = golden.kl
    for (const estimator of ['k1', 'k2', 'k3'] as const) await close(klTensor(t(lp), t(ref), estimator), golden.kl[estimator])
  })

  test('Bradley-Terry, with margin and centering', async () => {
    const { chosen, rejected, margin, loss, loss_margin, center_pen_0p01 } = golden.bt
    await close(bradleyTerryLoss(t(chosen), t(rejected)), loss)
    await close(bradleyTerryLoss(t(chosen), t(rejected), { margin: t(margin) }), loss_margin)
    await close(bradleyTerryLoss(t(chosen), t(rejected), { centering: 0.01 }), loss + center_pen_0p01)
  })

  test('all pairs of a ranking, best of four, Plackett-Luce', async () => {
    await close(rankingLoss(t([golden.kwise_instructgpt_K4.scores_in_rank_order])), golden.kwise_instructgpt_K4.loss)
    const scores = t([golden.kwise_instructgpt_K4.scores_in_rank_order])
    await close(grad(rankingLoss(scores), scores), golden.kwise_instructgpt_K4.grad)
    await close(bestOfLoss(t([golden.best_of_4_ce.scores]), tensor([golden.best_of_4_ce.best], { device, dtype: 'i32' })), golden.best_of_4_ce.loss)
    await close(plackettLuceLoss(t([golden.plackett_luce_nll.scores_in_rank_order])), golden.plackett_luce_nll.nll)
  })

  test('DPO with its implicit rewards', async () => {
    const { pol_chosen, pol_rej, ref_chosen, ref_rej, loss, rew_chosen, rew_rej } = golden['dpo_beta0.1']
    const got = dpoLoss({ chosen: t(pol_chosen), rejected: t(pol_rej), referenceChosen: t(ref_chosen), referenceRejected: t(ref_rej), beta: 0.1 })
    await close(got.loss, loss)
    await close(got.chosenRewards, rew_chosen)
    await close(got.rejectedRewards, rew_rej)
  })

  test.each([1, 0.7])('entropy and log-probability at temperature %s', async temperature => {
    const { entropy, logp0 } = golden.entropy_T[temperature.toFixed(1)]
    const logits = tensor([[[2, 1, 0, -1]]], { device })
    await close(tokenEntropies(logits, { temperature }), entropy)
    await close(tokenLogProbs(logits, tensor([[0]], { device, dtype: 'i32' }), { temperature }), logp0)
  })

  test('the mean is over all tokens, not a mean of means', async () => {
    const { loss, mask, token_mean } = golden.agg_token_mean
    await close(tokenMean(t(loss), t(mask), 6), token_mean)
  })
})

describe('what the golden numbers do not hold', () => {
  test('dual clip bounds the loss of a bad token whose ratio ran away', async () => {
    const inputs = { logProbs: t([3]), oldLogProbs: t([0]), advantages: t([-1]), mask: t([1]), count: 1 }
    await close(policyLoss(inputs).loss, Math.exp(3))
    await close(policyLoss({ ...inputs, dualClip: 3 }).loss, 3)
  })

  test('whatever stands at padding changes no loss', async () => {
    const at = (junk: number) => ({ logProbs: t([-1, junk]), oldLogProbs: t([-2, -junk]), advantages: t([1, junk]), mask: t([1, 0]), count: 1 })
    await close(policyLoss(at(50)).loss, await policyLoss(at(0)).loss.item())
    await close(policyLoss(at(50)).ratio, [Math.E, 1])
  })

  test('log-sigmoid of a large difference does not overflow', async () => {
    await close(bradleyTerryLoss(t([-1000]), t([0])), 1000)
    await close(bradleyTerryLoss(t([1000]), t([0])), 0)
  })
})
