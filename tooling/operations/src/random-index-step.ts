// Steps of random programs that move and index, on any element type.
import { concat, where, type Tensor } from '@abovo/tensor-webgpu'
import type { Draw, Step } from './draw.js'

type MakeStep = (draw: Draw, at: number) => Step | null

const factorings = (size: number): number[][] => [[size], [1, size], [size, 1], ...[2, 3, 4, 6].flatMap(n => (size % n === 0 && size > 0 ? [[n, size / n], [size / n, n]] : []))]

const reshape: MakeStep = (draw, at) => {
  const shape = draw.pick(factorings(draw.values[at].size))
  return { torch: `v${at}.reshape(${shape.join(', ')})`, run: values => values[at].reshape(shape) }
}

const permute: MakeStep = (draw, at) => {
  const order = [...draw.random.permutation(draw.values[at].rank)]
  return order.length === 0 ? null : { torch: `v${at}.permute(${order.join(', ')})`, run: values => values[at].permute(order) }
}

const slice: MakeStep = (draw, at) => {
  const ranges = draw.values[at].shape.map(n => {
    const kind = draw.integer(0, 5)
    if (kind === 0 && n > 0) return { text: String(-1), range: -1 }
    const [start, end, step] = [draw.integer(-n, n + 1), draw.integer(-n, n + 2), draw.integer(1, 4)]
    if (kind === 1) return { text: `${start}:`, range: { start } }
    if (kind === 2) return { text: `:${end}:${step}`, range: { end, step } }
    if (kind === 3) return { text: `::${step}`, range: { step } }
    return { text: ':', range: null }
  })
  return ranges.length === 0 ? null : { torch: `v${at}[${ranges.map(({ text }) => text).join(', ')}]`, run: values => values[at].slice(ranges.map(({ range }) => range)) }
}

const reverse: MakeStep = (draw, at) => {
  const step = draw.integer(1, 4)
  return draw.values[at].rank === 0 ? null : { torch: `v${at}.flip(0)[::${step}]`, run: values => values[at].slice([{ step: -step }]) }
}

const pad: MakeStep = (draw, at) => {
  const widths = draw.values[at].shape.map((): [number, number] => [draw.integer(0, 3), draw.integer(0, 3)])
  return widths.length === 0 ? null : { torch: `F.pad(v${at}, (${[...widths].reverse().flat().join(', ')}))`, run: values => values[at].pad(widths) }
}

const repeat: MakeStep = (draw, at) => {
  const times = [...Array.from({ length: draw.integer(0, 2) }, () => draw.integer(1, 3)), ...draw.values[at].shape.map(() => draw.integer(1, 3))]
  return times.length === 0 ? null : { torch: `v${at}.repeat(${times.join(', ')})`, run: values => values[at].repeat(times) }
}

const withAxis = (torch: string, fn: (x: Tensor, axis: number, k: number) => Tensor, least = 0): MakeStep => (draw, at) => {
  const x = draw.values[at]
  if (x.rank === 0) return null
  const axis = draw.axis(x)
  const n = x.shape.at(axis) ?? 0
  if (n < least) return null
  const k = draw.integer(0, Math.max(1, n))
  return { torch: torch.replaceAll('X', `v${at}`).replaceAll('D', String(axis)).replaceAll('K', String(k)), run: values => fn(values[at], axis, k) }
}

/** Indices made of the data's own shape, so that both sides make them alike. */
const pickRows = withAxis('X.index_select(D, torch.tensor([K, 0, K]))', (x, axis, k) => x.indexSelect(axis, indices(x, [k, 0, k])), 1)

function indices(x: Tensor, values: readonly number[]): Tensor {
  const zero = x.reshape([-1]).narrow(0, 0, 1).ne(x.reshape([-1]).narrow(0, 0, 1)).to('i32')
  return concat(values.map(value => zero.add(value)), 0)
}

const last = (x: Tensor): number => x.rank - 1

const axes: readonly MakeStep[] = [
  withAxis('X.flip(D)', (x, axis) => x.flip(axis)), withAxis('X.roll(K, D)', (x, axis, k) => x.roll(k, axis)), withAxis('X.narrow(D, 0, K)', (x, axis, k) => x.narrow(axis, 0, k)), withAxis('X.unsqueeze(D)', (x, axis) => x.unsqueeze(axis)), withAxis('X.transpose(0, D)', (x, axis) => x.transpose(0, axis)),
  withAxis('torch.cat(list(X.split([K, X.shape[D] - K], D))[::-1], D)', (x, axis, k) => concat(x.split([k, (x.shape.at(axis) ?? 0) - k], axis).reverse(), axis)), withAxis('X.chunk(2, D)[0]', (x, axis) => x.chunk(2, axis)[0], 2), withAxis('X.unfold(D, 2, 1)', (x, axis) => x.unfold(axis, 2, 1), 2),
  withAxis('X.flatten(D)', (x, axis) => x.flatten(axis)), withAxis('X.sort(dim=D, stable=True).values', (x, axis) => x.sort({ axis }).values), withAxis('X.argsort(dim=D, stable=True, descending=True)', (x, axis) => x.argsort({ axis, descending: true })), withAxis('X.squeeze(D)', (x, axis) => x.squeeze(axis)),
]

const notEmpty: readonly MakeStep[] = [
  pickRows,
  withAxis('X.slice_scatter(X.narrow(D, X.shape[D] - K, K), D, 0, K)', (x, axis, k) => x.sliceScatter(axis, indices(x, [0]), x.narrow(axis, (x.shape.at(axis) ?? 0) - k, k)), 1),
  withAxis('X.gather(D, torch.argsort(X, dim=D, stable=True))', (x, axis) => x.gather(axis, x.argsort({ axis })), 1),
]

const plane: readonly MakeStep[] = [
  (draw, at) => triangle(draw, at, 'tril'), (draw, at) => triangle(draw, at, 'triu'),
  (_, at) => ({ torch: `v${at}.diagonal(dim1=-2, dim2=-1)`, run: values => values[at].diagonal() }),
  (_, at) => ({ torch: `torch.where(torch.ones(v${at}.shape[-1], dtype=torch.bool).tril() if False else v${at} == v${at}, v${at}, v${at})`, run: values => where(values[at].eq(values[at]), values[at], values[at]) }),
]

function triangle(draw: Draw, at: number, name: 'tril' | 'triu'): Step {
  const k = draw.integer(-2, 3)
  return { torch: `v${at}.${name}(${k})`, run: values => values[at][name](k) }
}

export const indexSteps = (x: Tensor): readonly MakeStep[] => [
  reshape, permute, slice, slice, reverse, pad, repeat, ...axes, ...(x.size > 0 ? notEmpty : []), ...(last(x) >= 1 ? plane : []),
]
