// The three recurrences: what one step makes of the projected input, the projected state and the state before. Gate order and placement of biases
// are PyTorch's. No parameters here: recurrent.ts holds them and walks through time.
import type { Tensor } from '@abovo/tensor-webgpu'

/** What a step hands to the next: the output itself, and for an LSTM its memory cell. */
export interface RecurrentState {
  readonly hidden: Tensor   // (B, C)
  readonly cell?: Tensor | undefined   // (B, C)
}

export type RecurrentKind = 'rnn' | 'lstm' | 'gru'

/** How many blocks of rows the weights have, one a gate. */
export const gateCount: Readonly<Record<RecurrentKind, number>> = { rnn: 1, lstm: 4, gru: 3 }

/** fromInput = W_ih·x + b_ih and fromState = W_hh·h + b_hh, both (B, gates·C). */
export type RecurrentStep = (fromInput: Tensor, fromState: Tensor, before: RecurrentState) => RecurrentState

/** Elman's network: h = tanh(W_ih·x + W_hh·h). */
const rnnStep: RecurrentStep = (fromInput, fromState) => ({ hidden: fromInput.add(fromState).tanh() })

/** Hochreiter and Schmidhuber's long short-term memory, with forget gate. */
const lstmStep: RecurrentStep = (fromInput, fromState, { hidden, cell }) => {
  const [i, f, g, o] = fromInput.add(fromState).split(hidden.shape[1], 1)   // input, forget, candidate, output
  const written = i.sigmoid().mul(g.tanh())
  const kept = cell === undefined ? written : f.sigmoid().mul(cell).add(written)
  return { hidden: o.sigmoid().mul(kept.tanh()), cell: kept }
}

/** Cho's gated recurrent unit. The reset gate acts after the state's projection, as in cuDNN. */
const gruStep: RecurrentStep = (fromInput, fromState, { hidden }) => {
  const C = hidden.shape[1]
  const [resetInput, updateInput, newInput] = fromInput.split(C, 1)
  const [resetState, updateState, newState] = fromState.split(C, 1)
  const r = resetInput.add(resetState).sigmoid()
  const z = updateInput.add(updateState).sigmoid()
  const n = newInput.add(r.mul(newState)).tanh()
  return { hidden: n.add(z.mul(hidden.sub(n))) }   // (1 − z)·n + z·h
}

export const recurrentStep: Readonly<Record<RecurrentKind, RecurrentStep>> = { rnn: rnnStep, lstm: lstmStep, gru: gruStep }
