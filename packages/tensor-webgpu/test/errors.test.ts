// Errors come before device work, say where and what, and carry a code: mixed devices, disposed tensors, lost devices, faults on the GPU.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { beforeAll, describe, expect, test } from 'vitest'
import { inputsOf, operations } from '../../../tooling/operations/src/index.ts'
import { WebgpuDevice } from '../src/devices/webgpu/gpu-device.js'
import { compile, defineOperation, DeviceError, DisposedError, DtypeError, requestDevice, setDefaultDevice, ShapeError, tensor, zeros, type Device, type Tensor } from '../src/index.js'

let reference: Device
let wasm: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
  wasm = await requestDevice('wasm', { threads: 1 })
  setDefaultDevice(reference)
})

describe('operands on two devices are a DeviceError that names the operation and both', () => {
  const binary = operations.filter(({ inputs, name }, i) => inputs.length > 1 && operations.findIndex(other => other.name === name && other.inputs.length > 1) === i)
  test.each(binary)('$name', operation => {
    const [first] = inputsOf(operation, reference)
    const [, ...others] = inputsOf(operation, wasm)
    expect(() => operation.run(first, ...others)).toThrow(DeviceError)
    expect(() => operation.run(first, ...others)).toThrow(/: (operands must be on one device|.*must be on)/)
  })
  test('assign, and the arguments of a compiled function', () => {
    const [x, y] = [tensor([1], { device: reference }), tensor([1], { device: wasm })]
    expect(() => x.assign(y)).toThrow(/assign: the value must be on reference, got wasm/)
    expect(() => compile((a: Tensor, b: Tensor) => [a.add(1), b.add(1)])(x, y)).toThrow(DeviceError)
  })
})

describe('a disposed tensor', () => {
  test('is a DisposedError where it is read, where something built on it is, and where a compiled function is given it', async () => {
    const x = tensor([1, 2], { device: wasm })
    const y = x.add(1)
    x.dispose()
    x.dispose()
    await expect(x.data()).rejects.toThrow(DisposedError)
    await expect(y.data()).rejects.toThrow(/data|realize: a tensor of shape \(2\) was used after dispose\(\); dispose it later/)
    expect(() => compile((a: Tensor) => a.add(1))(x)).toThrow(/dispose/)
  })
  test('does not spoil what was computed from it before', async () => {
    const x = tensor([1, 2], { device: wasm })
    const y = x.add(1).realize()
    x.dispose()
    expect([...(await y.data())]).toEqual([2, 3])
  })
})

describe('arguments', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['matmul', () => zeros([2, 3]).matmul(zeros([4, 3])), /matmul: inner sizes must match, got \(2, 3\) x \(4, 3\); transpose the second operand\?/],
    ['add', () => zeros([2, 3]).add(zeros([4])), /add: shapes must broadcast, got \(2, 3\) and \(4,\)/],
    ['softmax', () => zeros([2]).softmax(1), /softmax: axis must be an integer in \[-1, 0\] for rank 1, got 1/],
    ['max', () => zeros([0]).max(), /max: the reduced axes must not be empty/],
    ['reshape', () => zeros([6]).reshape([4, -1]), /reshape: sizes must multiply to 6/],
    ['crossEntropy', () => operations.find(({ name }) => name === 'crossEntropy')?.run(zeros([2, 3]), zeros([3], { dtype: 'i32' })), /crossEntropy: targets must have shape \(2,\)/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(ShapeError)
    expect(make).toThrow(message)
  })
})

test('element types and elements that there are not are named', () => {
  expect(() => zeros([2], { dtype: JSON.parse('"f64"') })).toThrow(/full: dtype must be one of f32, f16, i32, u32, bool, got f64/)
  expect(() => tensor(JSON.parse('[1, "a"]'))).toThrow(/tensor: elements must be numbers, got a; /)
  expect(() => tensor(JSON.parse('["a"]'))).toThrow(DtypeError)
})

test('a closed device says so', async () => {
  const device = await requestDevice('wasm', { threads: 1 })
  const x = tensor([1], { device })
  device.close()
  await expect(x.add(1).data()).rejects.toMatchObject({ code: 'closed' })
})

describeOnAdapters('webgpu', ({ gpu }) => {
  test('a device that is lost rejects reads with the code lost, and new tensors', async () => {
    const device = await requestDevice('webgpu', { gpu })
    if (!(device instanceof WebgpuDevice)) throw new Error('not WebGPU')
    const x = tensor([1, 2, 3], { device })
    const reading = x.exp().data()
    device.gpu.destroy()
    await expect(reading).rejects.toMatchObject({ name: 'DeviceError', code: 'lost' })
    await expect(x.add(1).data()).rejects.toThrow(/the device must stay alive, got lost .* make a new device and load the last checkpoint/)
    expect(() => tensor([1], { device })).toThrow(/lost/)
  })

  test('what the GPU refuses is attributed to the operation that caused it, once', async () => {
    const device = await requestDevice('webgpu', { gpu })
    const broken = defineOperation({ name: 'broken sum', result: a => a, wgsl: () => ({ element: 'out = a(i) + nonsense;' }) })
    const x = tensor([1, 2], { device })
    await expect(broken(x).data()).rejects.toThrow(/webgpu: kernel broken sum .* must be valid, got .*nonsense/s)
    expect([...(await x.add(1).data())]).toEqual([2, 3])
    device.close()
  })
})
