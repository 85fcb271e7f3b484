// The table as a page for people: docs/operations.md. One line an operation, with every form PyTorch is asked about.
import { differentiableOperations, operations } from './index.js'

interface Entry {
  readonly name: string
  readonly torch: readonly string[]
  readonly dtypes: readonly string[]
  readonly hasDerivative: boolean
  readonly rows: number
}

/** One entry per operation, in the table's order. */
export function entries(): Entry[] {
  const differentiable = new Set(differentiableOperations())
  return [...new Set(operations.map(operation => operation.name))].map(name => {
    const rows = operations.filter(operation => operation.name === name)
    return { name, torch: [...new Set(rows.map(row => row.torch))], dtypes: rows[0].dtypes, hasDerivative: differentiable.has(name), rows: rows.length }
  })
}

export interface Coverage {
  readonly operations: number
  readonly rows: number
  readonly differentiable: number
  /** Differentiable operations with a row that gradcheck and gradgradcheck are run on. */
  readonly gradchecked: number
}

export function coverage(): Coverage {
  const checked = new Set(operations.flatMap(operation => (operation.differentiable && operation.smooth ? operation.name : [])))
  const differentiable = differentiableOperations()
  return { operations: entries().length, rows: operations.length, differentiable: differentiable.length, gradchecked: differentiable.filter(name => checked.has(name)).length }
}

/** PyTorch's shortest expression first; three at most. */
const shown = (torch: readonly string[]): string => [...torch].sort((a, b) => a.length - b.length).slice(0, 3).map(text => `\`${text.replaceAll('|', '\\|')}\``).join(', ')

export function operationsPage(): string {
  const { operations: count, rows, differentiable, gradchecked } = coverage()
  return `# Operations of @abovo/tensor-webgpu

Made from the table in \`tooling/operations\` by \`pnpm --silent operations document\`; do not edit. ${count} operations in ${rows} rows. Every row runs on the reference
against PyTorch's numbers, and on WASM and two WebGPU implementations against the reference. ${differentiable} operations have a derivative;
${gradchecked} of them pass gradcheck and gradgradcheck in float64, and their gradients equal PyTorch's.

Names are PyTorch's in camelCase; \`variance\` is \`var\`, \`concat\` is \`cat\`, \`axis\` is \`dim\`. In the expressions \`a\`, \`b\` … are the operands.

| operation | in PyTorch | element types | derivative |
|---|---|---|---|
${entries().map(entry => `| \`${entry.name}\` | ${shown(entry.torch)} | ${entry.dtypes.length === 5 ? 'any' : entry.dtypes.join(' ')} | ${entry.hasDerivative ? 'yes' : 'no'} |`).join('\n')}

## Element types

\`f16\` is there on WebGPU where it works, and on the reference with every result rounded. Operands promote: bool < u32 < i32 < f16 < f32. A number beside a
tensor takes the tensor's type: beside bool an integer is i32; beside integers a fraction, or what the type cannot hold, is f32.

Where this differs from PyTorch:
- There are no 64-bit types: \`sum\`, \`prod\`, \`cumsum\` of integers stay in 32 bits and wrap, and indices (\`argmax\`, \`argsort\` …) are i32.
- Losses of f16 are f32, as under autocast.
- \`mean\` takes integers and bool, as f32. \`argmax\`, \`argmin\` and \`topk\` take bool.
- \`where\` with two numbers gives f32. \`sign(NaN)\` is NaN, where PyTorch gives 0.
- Operands of \`matmul\` may differ in type: they promote.
- \`crossEntropy\` and \`nll\` have the classes on the last axis.

## Integers

i32 and u32 are exact on every device and wrap at 32 bits (\`add\`, \`mul\`, \`pow\`, \`sum\`, \`matmul\` …). Division by zero is no error:
\`truncDivide(x, 0)\` and \`remainder(x, 0)\` are 0; \`truncDivide(-2147483648, -1)\` is -2147483648. \`remainder\` has the sign of the divisor. Shift counts are
taken modulo 32; \`shiftRight\` keeps the sign of i32 and fills u32 with zeros. \`pow\` with a negative exponent is the reciprocal truncated towards zero.
\`to\` truncates floats towards zero and saturates; NaN becomes 0. Beyond 2²⁴ a u32 or i32 is rounded on its way to f32.

## NaN and infinity

They propagate as in PyTorch through every elementwise operation, \`maximum\`, \`minimum\` and comparisons. Inside reductions over many elements,
matmul and attention WebGPU promises nothing (WGSL may assume that there are none): use large finite masks, as \`scaledDotProductAttention\` does.
`
}
