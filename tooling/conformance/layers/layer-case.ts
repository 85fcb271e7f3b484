// One layer or loss: its outputs, and the gradients of sum(y·w).
import { grad } from '@abovo/autograd'
import { compile, crossEntropy, layerNorm, rmsNorm, scaledDotProductAttention, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { Pair } from './compare.ts'
import type { LayerCase } from './layer-file.ts'
import type { Operands, Outputs } from './operands.ts'
import { gru, lstm, rnn } from './recurrent.ts'
import { encoderDecoder } from './transformer.ts'

type Layer = (operands: Operands) => Outputs

const ofX = (fn: (x: Tensor) => Tensor): Layer => ({ get }) => ({ y: fn(get('x')) })
const affine = ({ has, get }: Operands): { weight?: Tensor; bias?: Tensor } => ({ ...(has('weight') && { weight: get('weight') }), ...(has('bias') && { bias: get('bias') }) })
const loss = (options: Parameters<typeof crossEntropy>[2]): Layer => ({ get }) => ({ y: crossEntropy(get('x'), get('target'), options).reshape([1]) })

/** torch.nn.functional.rms_norm without eps takes the element type's. */
const F32_EPSILON = 2 ** -23

const layers: Readonly<Record<string, Layer>> = {
  rnn_tanh: rnn,
  lstm,
  gru,
  transformer_postln: encoderDecoder,
  transformer_preln: encoderDecoder,
  sdpa_causal: ({ get }) => ({ y: scaledDotProductAttention(get('q'), get('k'), get('v'), { causal: true }) }),
  sdpa_gqa: ({ get }) => ({ y: scaledDotProductAttention(get('q'), get('k'), get('v')) }),
  gelu_erf: ofX(x => x.gelu()),
  gelu_tanh: ofX(x => x.gelu({ approximate: 'tanh' })),
  silu: ofX(x => x.silu()),
  softplus: ofX(x => x.softplus()),
  log_softmax: ofX(x => x.logSoftmax(-1)),
  logsumexp: ofX(x => x.logSumExp({ axis: -1 })),
  cumsum: ofX(x => x.cumsum(-1)),
  layer_norm: operands => ({ y: layerNorm(operands.get('x'), affine(operands)) }),
  rms_norm: operands => ({ y: rmsNorm(operands.get('x'), { ...affine(operands), eps: F32_EPSILON }) }),
  ce_mean_ignore: loss({ ignoreIndex: -100 }),
  ce_label_smoothing: loss({ labelSmoothing: 0.1 }),
  ce_sum: loss({ reduction: 'sum' }),
}

export async function runLayer(one: LayerCase, device: Device): Promise<Pair[]> {
  const layer = Object.hasOwn(layers, one.name) ? layers[one.name] : undefined
  if (layer === undefined) throw new Error(`the case must be one of ${Object.keys(layers).join(', ')} or an optimizer, got ${one.name}`)
  const made = new Map<string, Tensor>()
  const get = (name: string): Tensor => {
    const found = made.get(name) ?? one.on(device, name)
    made.set(name, found)
    return found
  }
  const names = one.names.flatMap(name => (name.startsWith('grad.') ? name.slice('grad.'.length) : []))
  // One program for all: read one by one, each would be planned and computed anew.
  const run = compile((w: Tensor) => {
    const results = layer({ info: one.info, has: one.has, get })
    return { outputs: results, gradients: grad(results.y.mul(w).sum(), names.map(get)) }
  })
  const { outputs, gradients } = run(one.on(device, 'w'))
  const outputPairs = Object.entries(outputs).map(async ([name, value]): Promise<Pair> => ({ name, kind: 'output', got: await value.data(), expected: one.values(name) }))
  const gradientPairs = names.map(async (name, i): Promise<Pair> => ({ name: `grad.${name}`, kind: 'gradient', got: await gradients[i].data(), expected: one.values(`grad.${name}`) }))
  return Promise.all([...outputPairs, ...gradientPairs])
}
