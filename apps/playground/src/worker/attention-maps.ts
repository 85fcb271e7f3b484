// The attention weights of every head on one sentence, as the model stands now. Compiled once for a whole run, where nn-transformer's attentionMaps plans
// anew each time: sentences are filled up to one length, which a causal model does not notice.
import { compile, tensor, type Compiled, type Tensor } from '@abovo/tensor-webgpu'
import { attentionWeights, type Gpt } from '@abovo/nn-transformer'

/** Larger maps cannot be read, and small multiples of them do not fit a page. */
const LONGEST = 32

export class AttentionMaps {
  readonly #model: Gpt
  readonly #weights: Compiled<[Tensor], Tensor[]>

  constructor(model: Gpt) {
    this.#model = model
    this.#weights = compile((ids: Tensor) => {
      let x = model.embed(ids)   // (1, T, C)
      return model.transformer.h.map(block => {
        const [q, k] = block.attn.project(block.ln_1.forward(x))   // (1, H, T, D)
        x = block.forward(x)
        return attentionWeights(q, k, { causal: true })   // (1, H, T, T)
      })
    })
  }

  get longest(): number {
    return Math.min(LONGEST, this.#model.contextLength)
  }

  /** (layers, heads, n, n) for n ids, at most `longest`. */
  async of(ids: Int32Array): Promise<Float32Array> {
    const { nHead: H, nLayer: L } = this.#model.config
    const T = this.longest
    const n = ids.length
    const filled = new Int32Array(T)
    filled.set(ids)
    const layers = this.#weights(tensor(filled, { shape: [1, T], device: this.#model.parameters()[0].device }))
    const read = await Promise.all(layers.map(layer => layer.data()))
    const weights = new Float32Array(L * H * n * n)
    for (let l = 0; l < L; l++)
      for (let h = 0; h < H; h++)
        for (let query = 0; query < n; query++) {
          const row = (h * T + query) * T
          weights.set(read[l].subarray(row, row + n), ((l * H + h) * n + query) * n)
        }
    for (const layer of layers) layer.dispose()
    return weights
  }

  dispose(): void {
    this.#weights.dispose()
  }
}
