// torch.nn.Transformer, encoder and decoder with their final norms: ReLU, causal target, padded source positions hidden from all.
import { layerNorm, scaledDotProductAttention, type Tensor } from '@abovo/tensor-webgpu'
import type { Operands, Outputs } from './operands.ts'

interface Stack {
  readonly operands: Operands
  readonly heads: number
  readonly preNorm: boolean
  /** bool (B, 1, 1, S): true where a source position may be seen. */
  readonly visible: Tensor
}

export function encoderDecoder(operands: Operands): Outputs {
  const { get, info } = operands
  const src = get('src')
  const padding = get('src_padding').to('bool')
  const stack: Stack = { operands, heads: Number(info['heads']), preNorm: info['norm_first'] === true, visible: padding.logicalNot().unsqueeze(1).unsqueeze(1) }
  let memory = src
  for (let i = 0; operands.has(`encoder.layers.${i}.linear1.weight`); i++) memory = encoderLayer(stack, `encoder.layers.${i}`, memory)
  memory = norm(stack, 'encoder.norm', memory)
  let y = get('tgt')
  for (let i = 0; operands.has(`decoder.layers.${i}.linear1.weight`); i++) y = decoderLayer(stack, `decoder.layers.${i}`, y, memory)
  return { y: norm(stack, 'decoder.norm', y) }
}

function encoderLayer(stack: Stack, path: string, x: Tensor): Tensor {
  const attended = residual(stack, `${path}.norm1`, x, h => attend(stack, `${path}.self_attn`, h, h, 'padded'))
  return residual(stack, `${path}.norm2`, attended, h => feedForward(stack, path, h))
}

function decoderLayer(stack: Stack, path: string, x: Tensor, memory: Tensor): Tensor {
  const own = residual(stack, `${path}.norm1`, x, h => attend(stack, `${path}.self_attn`, h, h, 'causal'))
  const crossed = residual(stack, `${path}.norm2`, own, h => attend(stack, `${path}.multihead_attn`, h, memory, 'padded'))
  return residual(stack, `${path}.norm3`, crossed, h => feedForward(stack, path, h))
}

/** x + f(norm(x)), or norm(x + f(x)). */
function residual(stack: Stack, path: string, x: Tensor, f: (h: Tensor) => Tensor): Tensor {
  return stack.preNorm ? x.add(f(norm(stack, path, x))) : norm(stack, path, x.add(f(x)))
}

const norm = ({ operands: { get } }: Stack, path: string, x: Tensor): Tensor => layerNorm(x, { weight: get(`${path}.weight`), bias: get(`${path}.bias`) })

function feedForward({ operands: { get } }: Stack, path: string, x: Tensor): Tensor {
  const hidden = x.matmul(get(`${path}.linear1.weight`).transpose()).add(get(`${path}.linear1.bias`)).relu()
  return hidden.matmul(get(`${path}.linear2.weight`).transpose()).add(get(`${path}.linear2.bias`))
}

/** Multi-head attention from x (B, T, C) to a context (B, S, C); in_proj holds the projections of q, k and v, one above the other. */
function attend({ operands: { get }, heads, visible }: Stack, path: string, x: Tensor, context: Tensor, mask: 'causal' | 'padded'): Tensor {
  const C = x.shape[2]
  const weights = get(`${path}.in_proj_weight`).chunk(3, 0)
  const biases = get(`${path}.in_proj_bias`).chunk(3, 0)
  const [q, k, v] = [x, context, context].map((from, i) => split(from.matmul(weights[i].transpose()).add(biases[i]), heads))
  const out = scaledDotProductAttention(q, k, v, mask === 'causal' ? { causal: true } : { mask: visible })
  const joined = out.transpose(1, 2).reshape([...x.shape.slice(0, 2), C])  // (B, H, T, D) → (B, T, C)
  return joined.matmul(get(`${path}.out_proj.weight`).transpose()).add(get(`${path}.out_proj.bias`))
}

function split(x: Tensor, heads: number): Tensor {
  const [B, T, C] = x.shape
  return x.reshape([B, T, heads, C / heads]).transpose(1, 2)               // (B, H, T, D)
}
