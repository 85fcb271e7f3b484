// Imports between packages run one way only. The picture is in ARCHITECTURE.md; this table is what holds it.
import { resolveRelative } from './source-files.mjs'

/** What the sources of each package may import. A package that is not listed (tooling) may import every one. */
const below = {
  '@abovo/tokenizer-bpe': [],
  '@abovo/tensor-webgpu': [],
  '@abovo/autograd': ['@abovo/tensor-webgpu'],
  '@abovo/nn-transformer': ['@abovo/tensor-webgpu', '@abovo/autograd'],
  '@abovo/rlhf-ppo': ['@abovo/tensor-webgpu', '@abovo/autograd', '@abovo/nn-transformer'],
}
const libraries = Object.keys(below)

/** @type {Record<string, string[]>} */
const allowed = {
  ...below,
  '@abovo/course': libraries,
  '@abovo/trainer': [...libraries, '@abovo/course'],
  '@abovo/playground': [...libraries, '@abovo/course'],
}

// tests stand beside the pyramid: they may use these as well (a tokenizer for a model's test is no upward import)
const forTests = ['@abovo/test-devices', '@abovo/tokenizer-bpe']

/**
 * @param {string} root
 * @param {import('./source-files.mjs').SourceFile[]} files
 * @returns {string[]} one sentence for each violation
 */
export function directionViolations(root, files) {
  return files.flatMap((file) => file.imports.flatMap((specifier) => violation(root, file, specifier) ?? []))
}

/**
 * @param {string} root
 * @param {import('./source-files.mjs').SourceFile} file
 * @param {string} specifier
 * @returns {string | undefined}
 */
function violation(root, file, specifier) {
  const home = file.package.folder.slice(root.length + 1).replaceAll('\\', '/')
  const inSource = file.path.startsWith(`${home}/src/`)
  if (specifier.startsWith('.')) return relativeViolation(root, file, specifier, home, inSource)
  if (specifier.startsWith('node:') || specifier.startsWith('virtual:')) return undefined

  const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  if (name === file.package.name) {
    return inSource ? `${file.path}: a file must import its own package by relative path, got ${specifier}` : undefined
  }
  if (name.startsWith('@abovo/')) {
    const may = allowed[file.package.name]
    if (may && ![...may, ...(inSource ? [] : forTests)].includes(name)) {
      return `${file.path}: ${file.package.name} may import ${may.join(', ') || 'none of our packages'}, got ${specifier}`
    }
    if (/\/(src|dist)(\/|$)/.test(specifier)) return `${file.path}: another package is imported by its exports, got ${specifier}`
  }
  return undeclared(file, name, inSource)
}

/**
 * @param {string} root
 * @param {import('./source-files.mjs').SourceFile} file
 * @param {string} specifier
 * @param {string} home
 * @param {boolean} inSource
 */
function relativeViolation(root, file, specifier, home, inSource) {
  const target = resolveRelative(root, file.path, specifier)
  if (!target) return undefined
  if (!target.startsWith(`${home}/`)) {
    // a package's config files take their presets from tooling/
    if (!inSource && target.startsWith('tooling/')) return undefined
    return `${file.path}: a relative import must stay inside ${home}, got ${specifier}; import the package by its name`
  }
  if (inSource && target === `${home}/src/index.ts`) {
    return `${file.path}: index.ts is for users of the package, got ${specifier}; import the file that has the noun`
  }
  return undefined
}

/**
 * @param {import('./source-files.mjs').SourceFile} file
 * @param {string} name
 * @param {boolean} inSource
 */
function undeclared(file, name, inSource) {
  const { dependencies, peerDependencies, devDependencies } = file.package.manifest
  const declared = { ...dependencies, ...peerDependencies, ...(inSource ? {} : devDependencies) }
  // types of a tool that is there for everybody
  if (name in declared || `@types/${name}` in { ...declared, ...devDependencies } || name === '@webgpu/types') return undefined
  const where = inSource ? 'dependencies or peerDependencies' : 'dependencies'
  return `${file.path}: an imported package must stand in the ${where} of ${file.package.name}, got ${name}`
}
