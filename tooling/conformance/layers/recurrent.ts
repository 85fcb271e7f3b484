// torch.nn.RNN, LSTM and GRU in equations: any number of layers, batch first, zero initial state.
import { stack, zeros, type Tensor } from '@abovo/tensor-webgpu'
import type { Operands, Outputs } from './operands.ts'

/** The gates' inputs from below (B, G·H) and from the past (B, G·H), and the state (B, H), to the new state. */
interface Cell<S extends Readonly<Record<string, Tensor>>> {
  readonly start: (h: Tensor) => S
  readonly step: (below: Tensor, past: Tensor, state: S) => S
}

function run<S extends Readonly<Record<string, Tensor>> & { readonly h: Tensor }>({ has, get }: Operands, { start, step }: Cell<S>): Outputs {
  let sequence = get('x')                                                  // (B, T, I)
  const finals: S[] = []
  for (let layer = 0; has(`weight_ih_l${layer}`); layer++) {
    const [wIh, wHh, bIh, bHh] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(name => get(`${name}_l${layer}`))
    const [B, T] = sequence.shape
    const below = sequence.matmul(wIh.transpose()).add(bIh)                // (B, T, G·H)
    let state = start(zeros([B, wHh.shape[1]], { device: sequence.device }))
    const outputs: Tensor[] = []
    for (let t = 0; t < T; t++) {
      state = step(below.slice([null, t]), state.h.matmul(wHh.transpose()).add(bHh), state)
      outputs.push(state.h)
    }
    sequence = stack(outputs, 1)
    finals.push(state)
  }
  const last = Object.keys(finals[0]).map(name => [`${name}_n`, stack(finals.map(state => state[name]))] as const)
  return { ...Object.fromEntries(last), y: sequence }
}

export const rnn = (operands: Operands): Outputs => run(operands, { start: h => ({ h }), step: (below, past) => ({ h: below.add(past).tanh() }) })

export const lstm = (operands: Operands): Outputs =>
  run(operands, {
    start: h => ({ h, c: h }),
    step: (below, past, { c }) => {
      const [i, f, g, o] = below.add(past).chunk(4, 1)
      const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
      return { h: o.sigmoid().mul(next.tanh()), c: next }
    },
  })

export const gru = (operands: Operands): Outputs =>
  run(operands, {
    start: h => ({ h }),
    step: (below, past, { h }) => {
      const [rBelow, zBelow, nBelow] = below.chunk(3, 1)
      const [rPast, zPast, nPast] = past.chunk(3, 1)
      const r = rBelow.add(rPast).sigmoid()
      const z = zBelow.add(zPast).sigmoid()
      const n = nBelow.add(r.mul(nPast)).tanh()
      return { h: n.add(z.mul(h.sub(n))) }                                 // (1 − z)·n + z·h
    },
  })
