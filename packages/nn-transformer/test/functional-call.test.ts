import { requestDevice, tensor, zerosLike, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, expect, test } from 'vitest'
import { functionalCall } from '../src/functional-call.js'
import { Gpt } from '../src/models/gpt.js'
import { RecurrentLanguageModel } from '../src/models/rnn.js'
import type { Module } from '../src/module.js'

let device: Device
beforeAll(async () => {
  device = await requestDevice('reference')
})
const gpt = (tieWordEmbeddings: boolean): Gpt => new Gpt({ vocabSize: 5, nPositions: 4, nEmbd: 4, nLayer: 1, nHead: 1, tieWordEmbeddings }, { seed: 1, device })
const zeros = (model: Module): Record<string, Tensor> => Object.fromEntries(model.namedParameters().map(([name, parameter]) => [name, zerosLike(parameter)]))

test.each([
  ['a GPT', () => gpt(false)],
  ['a GPT whose table stands in two places', () => gpt(true)],
  ['a model whose names are not its fields\'', () => new RecurrentLanguageModel({ kind: 'gru', vocabSize: 5, nEmbd: 4, nLayer: 2 }, { seed: 1, device })],
])('%s computes with the given tensors, and afterwards with its own', async (_, make) => {
  const model = make()
  const logits = async (): Promise<number[]> => [...(await model.forward(tensor([[1, 2, 3]], { dtype: 'i32', device })).data())]
  const before = await logits()
  expect((await functionalCall(model, zeros(model), logits)).every(value => value === 0)).toBe(true)
  expect(await logits()).toEqual(before)
})

test('only what is named is replaced', async () => {
  const model = gpt(true)
  const seen = functionalCall(model, { 'transformer.ln_f.bias': tensor([1, 2, 3, 4], { device }) }, () => model.stateDict())
  const changed = [...(await seen)].filter(([name, { data }]) => name === 'transformer.ln_f.bias' && data[1] === 2)
  expect(changed).toHaveLength(1)
  expect((await model.stateDict()).get('transformer.ln_f.bias')!.data[1]).toBe(0)
})

test('the parameters are back when the function throws', () => {
  const model = gpt(true)
  const own = model.parameters()
  expect(() => functionalCall(model, zeros(model), () => { throw new Error('inside') })).toThrow('inside')
  expect(model.parameters()).toEqual(own)
})

test('a name that is no parameter is refused', () => {
  expect(() => functionalCall(gpt(true), { lm_head: tensor(0, { device }) }, () => 0)).toThrow(/every name must be a parameter's, got 'lm_head'/)
})
