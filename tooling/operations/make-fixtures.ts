// Writes fixtures.json: what PyTorch gives for every row of the table. Needs Python with torch:
//   pnpm --silent operations make-fixtures PYTHON
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { operations, valuesOf } from './src/index.js'

const cases = operations.map(operation => ({
  torch: operation.torch,
  differentiable: operation.differentiable,
  inputs: valuesOf(operation).map((values, i) => ({ values: values.map(value => (Object.is(value, -0) ? '-0' : String(value))), shape: operation.inputs[i].shape, dtype: operation.inputs[i].dtype })),
}))
const script = fileURLToPath(new URL('pytorch.py', import.meta.url))
const output = execFileSync(process.argv[2] ?? 'python3', [script], { input: JSON.stringify(cases), maxBuffer: 2 ** 28 })
const fixtures: { shape: number[]; values: (number | string)[]; gradients: (number | string)[][] }[] = JSON.parse(output.toString())
const rounded = fixtures.map(fixture => ({
  shape: fixture.shape,
  values: fixture.values.map(round),
  gradients: fixture.gradients.map(gradient => gradient.map(round)),
}))
writeFileSync(new URL('fixtures.json', import.meta.url), `[\n${rounded.map(fixture => JSON.stringify(fixture)).join(',\n')}\n]\n`)

/** 13 digits: more than any tolerance asks for. NaN and infinities are text. */
function round(value: number | string): number | string {
  return typeof value === 'string' ? value : Number(value.toPrecision(13))
}
