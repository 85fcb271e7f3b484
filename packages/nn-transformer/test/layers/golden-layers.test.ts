import { stack, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { beforeAll, expect, test } from 'vitest'
import { EncoderDecoder } from '../../src/layers/encoder-decoder.js'
import { Initializer } from '../../src/layers/initializer.js'
import { Recurrent } from '../../src/layers/recurrent.js'
import type { StateDict } from '../../src/host-tensor.js'
import type { Module } from '../../src/module.js'
import { allCases, describeOnHosts, describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import { expectClose, goldenJson, goldenState, readAll, toleranceOn, toTensor, under } from '../golden.js'

const cases = goldenJson('layers', 'layers.json') as Record<string, { heads?: number; norm_first?: boolean }>
const state = goldenState('layers', 'layers.safetensors')

const recurrents = [['rnn_tanh', 'rnn'], ['lstm', 'lstm'], ['gru', 'gru']] as const
const transformers = ['transformer_postln', 'transformer_preln']

/** What is left when data and gradients are taken away: the parameters. */
function parametersOf(all: StateDict): StateDict {
  const data = ['x', 'y', 'w', 'h_n', 'c_n', 'src', 'tgt', 'src_padding']
  return new Map([...all].filter(([name]) => !name.startsWith('grad.') && !data.includes(name)))
}

async function expectAll(outputs: Record<string, Tensor>, loss: Tensor, module: Module, inputs: Record<string, Tensor>, all: StateDict, device: Device): Promise<void> {
  const wanted = { ...Object.fromEntries(module.namedParameters()), ...inputs }
  expect(Object.keys(wanted).map(name => `grad.${name}`).sort()).toEqual([...all.keys()].filter(name => name.startsWith('grad.')).sort())
  const gradients = Object.entries(grad(loss, wanted)).map(([name, gradient]) => [`grad.${name}`, gradient])
  for (const [name, got] of await readAll({ ...outputs, ...Object.fromEntries(gradients) })) expectClose(name, got, all.get(name)!.data, toleranceOn(device))
}

const suite = (recurrentCases: readonly (typeof recurrents)[number][], transformers: readonly string[], timeout?: number) => (open: () => Promise<Device>): void => {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })

  test.each(recurrentCases)('%s: outputs, last states and gradients', async (name, recurrent) => {
    const all = under(state, `${name}/`)
    const parameters = parametersOf(all)
    const [, width] = parameters.get('weight_hh_l0')!.shape
    const [, inputs] = parameters.get('weight_ih_l0')!.shape
    const nLayer = [...parameters.keys()].filter(key => key.startsWith('weight_hh_l')).length
    const layer = new Recurrent({ kind: recurrent, inputs, width, nLayer, initializer: new Initializer(null, { device }) }).loadStateDict(parameters)
    const x = toTensor(all.get('x')!, device)
    const { outputs, states } = layer.forward(x)
    const last = { h_n: stack(states.map(each => each.hidden)), ...(all.has('c_n') ? { c_n: stack(states.map(each => each.cell!)) } : {}) }
    await expectAll({ y: outputs, ...last }, outputs.mul(toTensor(all.get('w')!, device)).sum(), layer, { x }, all, device)
  }, timeout)

  test.each(transformers)('%s: outputs and gradients, with a padded source', async name => {
    const all = under(state, `${name}/`)
    const parameters = parametersOf(all)
    const count = (stack: string): number => [...parameters.keys()].filter(key => key.startsWith(`${stack}.layers.`) && key.endsWith('.norm1.weight')).length
    const [nInner, width] = parameters.get('encoder.layers.0.linear1.weight')!.shape
    const { heads: nHead = 1, norm_first: normFirst = false } = cases[name]
    const stacks = new EncoderDecoder({ width, nHead, nInner, normFirst, encoderLayers: count('encoder'), decoderLayers: count('decoder'), initializer: new Initializer(null, { device }) }).loadStateDict(parameters)
    const [src, tgt] = [toTensor(all.get('src')!, device), toTensor(all.get('tgt')!, device)]
    const sourceMask = toTensor(all.get('src_padding')!, device).logicalNot()
    const y = stacks.forward(src, tgt, { sourceMask })
    await expectAll({ y }, y.mul(toTensor(all.get('w')!, device)).sum(), stacks, { src, tgt }, all, device)
  }, timeout)
}

describeOnHosts('layers as PyTorch has them', suite(recurrents, transformers))
describeOnWebgpu('layers as PyTorch has them', allCases ? suite(recurrents, transformers, webgpuTimeout) : suite([['lstm', 'lstm']], ['transformer_preln'], webgpuTimeout))
