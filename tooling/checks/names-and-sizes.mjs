// A file holds one noun: no file so long that it must hold several, no name that says nothing about what is inside.

const longest = 400
const dumpingGround = /(^|[-.])(utils?|helpers?|common|misc)([-.]|$)/
const vague = new Set(['shared', 'base', 'manager'])

/**
 * @param {import('./source-files.mjs').SourceFile[]} files
 * @returns {string[]} one sentence for each violation
 */
export function nameAndSizeViolations(files) {
  return files.flatMap(({ path, text }) => {
    const found = []
    const lines = lineCount(text)
    if (lines > longest) found.push(`${path}: a file must have at most ${longest} lines, got ${lines}; give its second noun a file of its own`)
    for (const part of path.split('/')) {
      const stem = part.replace(/\.[a-z]+$/, '')
      if (dumpingGround.test(stem) || vague.has(stem)) {
        found.push(`${path}: a name must say what is inside, got ${part}; a helper lives with its one user or earns a noun`)
      }
    }
    return found
  })
}

/**
 * @param {import('./source-files.mjs').SourceFile[]} files
 * @returns {string} such as "41 files, median 96 lines, longest 312 (packages/…)"
 */
export function sizeReport(files) {
  const sources = files.filter(({ path }) => path.includes('/src/')).map(({ path, text }) => ({ path, lines: lineCount(text) }))
  sources.sort((a, b) => a.lines - b.lines)
  const median = sources[sources.length >> 1]
  const last = sources.at(-1)
  return median && last ? `${sources.length} source files, median ${median.lines} lines, longest ${last.lines} (${last.path})` : 'no source files'
}

/** @param {string} text */
const lineCount = (text) => text.replace(/\n$/, '').split('\n').length
