// Leaves out what a shader names and never uses: writers of kernels name every index that some body could need.

const declaration = /^\s*let (\w+) = [^;]*;$/
const names = /[A-Za-z_]\w*/g

/** Lines of a function without the `let` statements that no later line refers to. */
export function withoutUnused(lines: readonly string[]): string[] {
  const used = new Set<string>()
  const kept: string[] = []
  for (const line of lines.toReversed()) {
    const name = declaration.exec(line)?.[1]
    if (name !== undefined && !used.has(name)) continue
    for (const [word] of line.matchAll(names)) used.add(word)
    kept.push(line)
  }
  return kept.toReversed()
}
