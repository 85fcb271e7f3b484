// What a gradient costs the host: time to build it and nodes added, over chains of operations. Must grow in proportion.
//   node ../../tooling/run-source.mjs bench/chain.ts
import { requestDevice, tensor } from '@abovo/tensor-webgpu'
import { orderNodes } from '@abovo/tensor-webgpu/graph'
import { grad } from '../src/index.ts'

await requestDevice('reference')
for (const length of [1000, 10_000, 100_000]) {
  const x = tensor([0.5, 0.1])
  let y = x
  for (let i = 0; i < length; i++) y = y.add(x.sin())
  const loss = y.sum()
  const forward = orderNodes([loss.node], () => false).length
  const start = performance.now()
  const dx = grad(loss, x)
  const ms = performance.now() - start
  const both = orderNodes([loss.node, dx.node], () => false).length
  console.log(JSON.stringify({ length, ms: Number(ms.toFixed(1)), microseconds_per_operation: Number(((ms * 1000) / length).toFixed(2)), forward_nodes: forward, added_nodes: both - forward }))
}
