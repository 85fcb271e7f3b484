// Sums of products by index letters.
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { broadcastShapes, formatShape, sizeOf } from '../shape.js'
import { matmul } from './contraction.js'
import * as el from './elementwise.js'
import { broadcastTo, requireNumber, sameDevice } from './operand.js'
import { sum } from './reduce.js'

/**
 * Sums of products by index letters: `einsum('bij,bjk->bik', a, b)`. Without `->` the letters that occur once, in alphabetical order, remain.
 * `...` stands for further axes, which broadcast. Operands are contracted left to right, each letter summed away as soon as no later operand needs it; every pair is one batched matmul.
 */
export function einsum(written: string, given: readonly Node[]): Node {
  const { equation, operands } = spellOut(written, given)
  for (const operand of operands) requireNumber('einsum', operand)
  sameDevice('einsum', operands)
  const [left, right] = equation.replaceAll(' ', '').split('->')
  const terms = left.split(',')
  checkEinsum(equation, terms, operands)
  const letters = [...new Set(terms.join(''))]
  const output = right ?? letters.filter(letter => [...terms.join('')].filter(other => other === letter).length === 1).sort().join('')
  for (const letter of output) if (!letters.includes(letter)) throw new ShapeError(`einsum: output letters must occur in the inputs, got '${letter}' in '${equation}'`)
  let [term, node] = takeDiagonals(terms[0], operands[0])
  for (let i = 1; i < operands.length; i++) {
    const needed = new Set(terms.slice(i + 1).join('') + output)
    const [nextTerm, next] = takeDiagonals(terms[i], operands[i])
    ;[term, node] = contractPair([term, node], [nextTerm, next], needed)
  }
  const spare = [...term].map((letter, d) => (output.includes(letter) ? -1 : d)).filter(d => d >= 0)
  if (spare.length > 0) node = sum(node, { axis: spare })
  term = [...term].filter(letter => output.includes(letter)).join('')
  return build.permute(node, [...output].map(letter => term.indexOf(letter)))
}

/** Axes under `...` get names of their own, digits, and their common sizes. */
function spellOut(written: string, operands: readonly Node[]): { equation: string; operands: readonly Node[] } {
  const text = written.replaceAll(' ', '')
  if (/[0-9]/.test(text)) throw new ShapeError(`einsum: index names must be letters, got '${written}'`)
  if (!text.includes('...')) return { equation: text, operands }
  const [left, right] = text.split('->')
  const terms = left.split(',')
  if (terms.length !== operands.length) throw new ShapeError(`einsum: '${written}' names ${terms.length} operands, got ${operands.length}`)
  const covered = terms.map((term, i) => (term.includes('...') ? Math.max(0, operands[i].shape.length - (term.length - 3)) : 0))
  const starts = terms.map(term => term.indexOf('...'))
  const common = broadcastShapes('einsum', ...operands.map(({ shape }, i) => (covered[i] === 0 ? [] : shape.slice(starts[i], starts[i] + covered[i]))))
  const names = '0123456789'.slice(0, common.length)
  const spelled = terms.map((term, i) => term.replace('...', names.slice(names.length - covered[i])))
  const once = [...new Set(left.replace(/[^a-zA-Z]/g, ''))].filter(letter => left.split(letter).length === 2).sort().join('')
  const output = right === undefined ? names + once : right.replace('...', names)
  const grown = operands.map((node, i) => (covered[i] === 0 ? node : broadcastTo(node, [...node.shape.slice(0, starts[i]), ...common.slice(common.length - covered[i]), ...node.shape.slice(starts[i] + covered[i])])))
  return { equation: `${spelled.join()}->${output}`, operands: grown }
}

function checkEinsum(equation: string, terms: readonly string[], operands: readonly Node[]): void {
  if (terms.length !== operands.length || operands.length === 0) throw new ShapeError(`einsum: '${equation}' names ${terms.length} operands, got ${operands.length}`)
  const sizes = new Map<string, number>()
  terms.forEach((term, i) => {
    if (!/^[a-zA-Z0-9]*$/.test(term)) throw new ShapeError(`einsum: index names must be letters, got '${term}' in '${equation}'`)
    if (term.length !== operands[i].shape.length) throw new ShapeError(`einsum: operand ${i} must have ${term.length} axes ('${term}'), got ${formatShape(operands[i].shape)}`)
    ;[...term].forEach((letter, d) => {
      const n = operands[i].shape[d]
      if ((sizes.get(letter) ?? n) !== n) throw new ShapeError(`einsum: index '${letter}' must have one size, got ${sizes.get(letter)} and ${n} in '${equation}'`)
      sizes.set(letter, n)
    })
  })
}

/** A letter that occurs twice in one operand means its diagonal: keep where the two indices agree. */
function takeDiagonals(term: string, node: Node): [string, Node] {
  const repeated = [...term].findIndex((letter, d) => term.indexOf(letter) !== d)
  if (repeated < 0) return [term, node]
  const first = term.indexOf(term[repeated])
  const same = el.eq(build.indexAlong(first, node.shape, node.device), build.indexAlong(repeated, node.shape, node.device))
  const kept = sum(el.where(same, node, build.constant(0, node.shape, node.dtype, node.device)), { axis: repeated })
  return takeDiagonals(term.slice(0, repeated) + term.slice(repeated + 1), kept)
}

function contractPair([aTerm, a]: [string, Node], [bTerm, b]: [string, Node], needed: ReadonlySet<string>): [string, Node] {
  const shared = [...aTerm].filter(letter => bTerm.includes(letter))
  const batch = shared.filter(letter => needed.has(letter))
  const inner = shared.filter(letter => !needed.has(letter))
  const aOnly = [...aTerm].filter(letter => !bTerm.includes(letter))
  const bOnly = [...bTerm].filter(letter => !aTerm.includes(letter))
  const size = (letter: string): number => (aTerm.includes(letter) ? a.shape[aTerm.indexOf(letter)] : b.shape[bTerm.indexOf(letter)])
  const arrange = (node: Node, term: string, groups: readonly (readonly string[])[]): Node =>
    build.reshape(build.permute(node, groups.flat().map(letter => term.indexOf(letter))), groups.map(group => sizeOf(group.map(size))))
  const product = matmul(arrange(a, aTerm, [batch, aOnly, inner]), arrange(b, bTerm, [batch, inner, bOnly]))
  const letters = [...batch, ...aOnly, ...bOnly]
  return [letters.join(''), build.reshape(product, letters.map(size))]
}
