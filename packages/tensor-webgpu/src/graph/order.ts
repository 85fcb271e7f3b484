// Topological order without recursion: graphs of 100,000 nodes in one chain are ordinary.

/** All nodes that `roots` depend on, each after its inputs, stopping at (and including) those for which `isLeaf` holds. */
export function orderNodes<N extends { readonly inputs: readonly N[] }>(roots: readonly N[], isLeaf: (node: N) => boolean): N[] {
  const order: N[] = []
  const seen = new Set<N>()
  const stack: { node: N; next: number }[] = []
  for (const root of roots) {
    if (seen.has(root)) continue
    seen.add(root)
    stack.push({ node: root, next: 0 })
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]
      const inputs = isLeaf(frame.node) ? [] : frame.node.inputs
      if (frame.next === inputs.length) {
        order.push(frame.node)
        stack.pop()
        continue
      }
      const input = inputs[frame.next++]
      if (!seen.has(input)) {
        seen.add(input)
        stack.push({ node: input, next: 0 })
      }
    }
  }
  return order
}
