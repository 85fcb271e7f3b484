// Indexing, losses, attention.
import { bceWithLogits, categorical, crossEntropy, embedding, klDiv, mse, nll, scaledDotProductAttention } from '@abovo/tensor-webgpu'
import { between, bool, float, given, integer, row, type OperationCase } from './operation-case.js'

const loss = { tolerance: 1e-5 }
const attention = { tolerance: 2e-5 }
const causal = 'torch.ones(a.shape[2], b.shape[2], dtype=torch.bool).tril(b.shape[2] - a.shape[2])'

export const indexing: readonly OperationCase[] = [
  row('gather', 'a.gather(1, b.long())', [float(3, 7), integer(0, 7, 3, 4)], (a, b) => a.gather(1, b)),
  row('gather', 'a.gather(0, b.long())', [float(5, 4), integer(0, 5, 2, 3)], (a, b) => a.gather(0, b)),
  row('scatterAdd', 'a.scatter_add(0, c.long(), b)', [float(4, 5), float(6, 5), integer(0, 4, 6, 5)], (a, b, c) => a.scatterAdd(0, c, b)),
  row('scatterAdd', 'a.scatter_add(1, c.long(), b)', [float(3, 4), float(3, 8), integer(0, 4, 3, 8)], (a, b, c) => a.scatterAdd(1, c, b)),
  row('scatter', 'a.scatter(0, c.long().argsort(0)[:3], b)', [float(4, 3), float(3, 3), integer(0, 99, 4, 3)], (a, b, c) => a.scatter(0, c.argsort({ axis: 0 }).narrow(0, 0, 3), b)),
  row('scatter', 'a.scatter(1, c.long().argsort(1), b)', [float(5, 6), float(3, 4), integer(0, 99, 3, 4)], (a, b, c) => a.scatter(1, c.argsort({ axis: 1 }), b)),
  row('scatter', 'a.scatter(-1, b.long(), -2.5)', [float(2, 3, 5), integer(0, 5, 2, 3, 3)], (a, b) => a.scatter(-1, b, -2.5)),
  row('sliceScatter', 'a.slice_scatter(b, 1, 2, 5)', [float(4, 7, 3), float(4, 3, 3)], (a, b) => a.sliceScatter(1, 2, b)),
  row('sliceScatter', 'a.slice_scatter(b, -1, int(c), int(c) + 2)', [float(2, 3, 8), float(2, 3, 2), integer(0, 7)], (a, b, c) => a.sliceScatter(-1, c, b)),
  row('sliceScatter', 'a.slice_scatter(b, 0, 6, 9)', [float(9, 5), float(3, 5), given('i32', 100)], (a, b, c) => a.sliceScatter(0, c, b)),
  row('indexSelect', 'a.index_select(1, b.long())', [float(3, 5), integer(0, 5, 8)], (a, b) => a.indexSelect(1, b)),
  row('take', 'a.take(b.long())', [float(3, 5), integer(0, 15, 2, 4)], (a, b) => a.take(b)),
  row('at', 'a[b.long()]', [float(5, 3), integer(0, 5, 2, 4)], (a, b) => a.at(b)),
  row('embedding', 'F.embedding(b.long(), a)', [float(9, 5), integer(0, 9, 2, 7)], (a, b) => embedding(b, a)),
  row('oneHot', 'F.one_hot(a.long(), 6)', [integer(0, 6, 3, 4)], a => a.oneHot(6), { differentiable: false }),
  row('categorical', '(a.softmax(-1).cumsum(-1) > b.unsqueeze(-1)).int().argmax(-1)', [float(9, 33), between(0, 1, 9)], (a, b) => categorical(a, b).index, { differentiable: false }),
  row('categorical', '(a * 2).log_softmax(-1).gather(-1, ((a * 2).softmax(-1).cumsum(-1) > b.unsqueeze(-1)).int().argmax(-1, keepdim=True))[..., 0]', [float(2, 3, 7), between(0, 1, 2, 3)], (a, b) => categorical(a, b, { temperature: 0.5 }).logProb, loss),
  row('categorical', '(torch.where(a >= a.topk(4).values[:, -1:], a, -1e9).softmax(-1).cumsum(-1) > b.unsqueeze(-1)).int().argmax(-1)', [float(9, 40), between(0, 1, 9)], (a, b) => categorical(a, b, { topK: 4 }).index, { differentiable: false }),
  row('categorical', 'a.argmax(-1)', [float(9, 33), between(0, 1, 9)], (a, b) => categorical(a, b, { temperature: 0 }).index, { differentiable: false }),
  row('crossEntropy', 'F.cross_entropy(a, b.long())', [between(-8, 8, 9, 33), integer(0, 33, 9)], (a, b) => crossEntropy(a, b), loss),
  row('crossEntropy', 'F.cross_entropy(a, b.long(), ignore_index=2, label_smoothing=0.1)', [float(9, 5), integer(0, 5, 9)], (a, b) => crossEntropy(a, b, { ignoreIndex: 2, labelSmoothing: 0.1 }), loss),
  row('crossEntropy', 'F.cross_entropy(a.reshape(6, 5), b.long().reshape(6), reduction="none").reshape(2, 3)', [float(2, 3, 5), integer(0, 5, 2, 3)], (a, b) => crossEntropy(a, b, { reduction: 'none' }), loss),
  row('crossEntropy', 'F.cross_entropy(a, b.long(), ignore_index=1, reduction="sum")', [float(9, 5), integer(0, 5, 9)], (a, b) => crossEntropy(a, b, { ignoreIndex: 1, reduction: 'sum' }), loss),
  row('nll', 'F.nll_loss(a, b.long(), ignore_index=3)', [float(9, 5), integer(0, 5, 9)], (a, b) => nll(a, b, { ignoreIndex: 3 }), loss),
  row('mse', 'F.mse_loss(a, b)', [float(4, 5), float(4, 5)], (a, b) => mse(a, b), loss),
  row('bceWithLogits', 'F.binary_cross_entropy_with_logits(a, b)', [between(-20, 20, 9), between(0, 1, 9)], (a, b) => bceWithLogits(a, b), loss),
  row('klDiv', 'F.kl_div(a.log_softmax(-1), b.softmax(-1), reduction="batchmean")', [float(4, 7), float(4, 7)], (a, b) => klDiv(a.logSoftmax(-1), b.softmax(-1), { reduction: 'batchMean' }), loss),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, is_causal=True)', [float(2, 2, 9, 8), float(2, 2, 9, 8), float(2, 2, 9, 8)], (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, dropout_p=0.3, enable_gqa=True, is_causal=True)', [float(2, 4, 5, 4), float(2, 2, 5, 4), float(2, 2, 5, 4)], (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true, dropout: { p: 0.3, seed: 8 } }), { ...attention, random: true }),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, dropout_p=1e-12, attn_mask=d)', [float(2, 2, 4, 4), float(2, 2, 6, 4), float(2, 2, 6, 4), float(4, 6)], (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask, dropout: { p: 1e-12, seed: 8 } }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c)', [float(1, 2, 3, 5), float(1, 2, 7, 5), float(1, 2, 7, 5)], (q, k, v) => scaledDotProductAttention(q, k, v), attention),
  row('scaledDotProductAttention', `F.scaled_dot_product_attention(a, b, c, attn_mask=${causal})`, [float(1, 2, 3, 5), float(1, 2, 7, 5), float(1, 2, 7, 5)], (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, enable_gqa=True, scale=0.3)', [float(2, 4, 5, 4), float(2, 2, 6, 4), float(2, 2, 6, 4)], (q, k, v) => scaledDotProductAttention(q, k, v, { scale: 0.3 }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, attn_mask=d)', [float(2, 2, 4, 4), float(2, 2, 6, 4), float(2, 2, 6, 4), float(4, 6)], (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, attn_mask=(d | torch.eye(4, 6, dtype=torch.bool)))', [float(2, 2, 4, 4), float(2, 2, 6, 4), float(2, 2, 6, 4), bool(2, 1, 4, 6)], (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask: mask.logicalOr(diagonalOf(mask)) }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, attn_mask=(torch.arange(9) < d.reshape(2, 1, 1, 1)))', [float(2, 2, 3, 4), float(2, 2, 9, 4), float(2, 2, 9, 4), integer(1, 9, 2)], (q, k, v, lengths) => scaledDotProductAttention(q, k, v, { keyLengths: lengths }), attention),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c, attn_mask=(torch.arange(9) <= torch.arange(3).reshape(3, 1) + d - 3))', [float(2, 4, 3, 4), float(2, 4, 9, 4), float(2, 4, 9, 4), integer(3, 9)], (q, k, v, length) => scaledDotProductAttention(q, k, v, { causal: true, keyLengths: length }), attention),
]

/** true where row and column are equal: no query is left without a key. */
function diagonalOf(mask: Parameters<OperationCase['run']>[0]): Parameters<OperationCase['run']>[0] {
  const all = mask.logicalOr(mask.logicalNot())
  return all.tril().logicalAnd(all.triu())
}
