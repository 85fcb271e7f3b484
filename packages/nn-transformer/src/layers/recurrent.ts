// A stack of recurrent layers run through time, with the parameters of PyTorch's nn.RNN, nn.LSTM and nn.GRU: weight_ih_l0, weight_hh_l0,
// bias_ih_l0, bias_hh_l0, weight_ih_l1 … The graph is unrolled: its gradient is backpropagation through time.
import { stack, zeros, type Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { Initializer } from './initializer.js'
import { drop, type Noise } from './noise.js'
import { gateCount, recurrentStep, type RecurrentKind, type RecurrentState } from './recurrent-cell.js'

interface LayerParameters {
  readonly weight_ih: Tensor   // (gates·C, inputs)
  readonly weight_hh: Tensor   // (gates·C, C)
  readonly bias_ih: Tensor     // (gates·C,)
  readonly bias_hh: Tensor
}

export interface RecurrentOptions {
  kind: RecurrentKind
  inputs: number
  width: number
  nLayer?: number
  /** Dropout between layers, in training. */
  pdrop?: number
  initializer: Initializer
}

/**
 * x (B, T, inputs) → outputs (B, T, C) and each layer's last state.
 *
 * @example
 * const lstm = new Recurrent({ kind: 'lstm', inputs: 12, width: 10, nLayer: 2, initializer: new Initializer(1) })
 * const { outputs, states } = lstm.forward(x)
 */
export class Recurrent extends Module {
  readonly layers: readonly LayerParameters[]
  readonly #kind: RecurrentKind
  readonly #width: number
  readonly #pdrop: number

  constructor({ kind, inputs, width, nLayer = 1, pdrop = 0, initializer }: RecurrentOptions) {
    super()
    this.#kind = kind
    this.#width = width
    this.#pdrop = pdrop
    const rows = gateCount[kind] * width
    const bound = 1 / Math.sqrt(width)
    this.layers = Array.from({ length: nLayer }, (_, layer) => ({
      weight_ih: initializer.uniform([rows, layer === 0 ? inputs : width], { bound }),
      weight_hh: initializer.uniform([rows, width], { bound }),
      bias_ih: initializer.uniform([rows], { bound }),
      bias_hh: initializer.uniform([rows], { bound }),
    }))
  }

  protected override fields(): [string, unknown][] {
    return this.layers.flatMap((layer, l) => Object.entries(layer).map(([name, value]): [string, unknown] => [`${name}_l${l}`, value]))
  }

  /** `states`: one a layer, zero by default. */
  forward(x: Tensor, { states, noise }: { states?: readonly RecurrentState[]; noise?: Noise | undefined } = {}): { outputs: Tensor; states: RecurrentState[] } {
    const last: RecurrentState[] = []
    const outputs = this.layers.reduce((input, parameters, l) => {
      const run = this.#runLayer(l === 0 ? input : drop(input, this.#pdrop, noise), parameters, states?.[l])
      last.push(run.state)
      return run.outputs
    }, x)
    return { outputs, states: last }
  }

  #runLayer(x: Tensor, { weight_ih, weight_hh, bias_ih, bias_hh }: LayerParameters, initial: RecurrentState | undefined): { outputs: Tensor; state: RecurrentState } {
    const [B, T] = x.shape
    const step = recurrentStep[this.#kind]
    const fromInput = x.matmul(weight_ih.transpose()).add(bias_ih)   // (B, T, gates·C), all steps in one product
    const hidden: Tensor[] = []
    let state = initial ?? { hidden: zeros([B, this.#width], { dtype: x.dtype, device: x.device }) }
    for (let t = 0; t < T; t++) {
      const fromState = state.hidden.matmul(weight_hh.transpose()).add(bias_hh)
      state = step(fromInput.slice([null, t]), fromState, state)
      hidden.push(state.hidden)
    }
    return { outputs: stack(hidden, 1), state }
  }
}
