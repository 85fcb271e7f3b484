// onnxruntime-web on wasm with STEP_THREADS threads: matrix products only, it does not train.
import { MATMULS, best, gflops, numbers, reporter, wants } from './work.mjs'

const threads = Number(process.env.STEP_THREADS)
const ort = await import(import.meta.resolve('onnxruntime-web'))
ort.env.wasm.numThreads = threads
const report = reporter('onnxruntime-web', 'wasm', threads)

// protobuf by hand: a model of one MatMul node
const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))])
const integer = (field, value) => [...varint(field << 3), ...varint(value)]
const bytes = (field, content) => [...varint((field << 3) | 2), ...varint(content.length), ...content]
const text = (field, value) => bytes(field, [...new TextEncoder().encode(value)])
const squareMatrix = (name, n) => [...text(1, name), ...bytes(2, bytes(1, [...integer(1, 1), ...bytes(2, [...bytes(1, integer(1, n)), ...bytes(1, integer(1, n))])]))]

function matmulModel(n) {
  const node = [...text(1, 'A'), ...text(1, 'B'), ...text(2, 'C'), ...text(4, 'MatMul')]
  const graph = [...bytes(1, node), ...text(2, 'product'), ...bytes(11, squareMatrix('A', n)), ...bytes(11, squareMatrix('B', n)), ...bytes(12, squareMatrix('C', n))]
  const version17 = [...text(1, ''), ...integer(2, 17)]
  return Uint8Array.from([...integer(1, 8), ...bytes(7, graph), ...bytes(8, version17)])
}

if (wants('matmul')) for (const n of MATMULS) {
  const session = await ort.InferenceSession.create(matmulModel(n), { executionProviders: ['wasm'] })
  const [A, B] = [3, 4].map((seed) => new ort.Tensor('float32', numbers(n * n, seed), [n, n]))
  report(`matmul ${n}`, gflops(n, await best(() => session.run({ A, B }))))
}
process.exit(0)
