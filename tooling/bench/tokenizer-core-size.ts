// How large the package is in a page, minified and compressed, by what is imported.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const CORE = 'core (encode, decode, count, special tokens, three scanners)'
const ENTRIES: Readonly<Record<string, string>> = {
  [CORE]: '*',
  'with .tiktoken and the OpenAI encodings': 'loadTiktoken',
  'training': 'trainBpe',
  'every tokenizer.json': 'loadTokenizer',
  everything: '*',
}

/** What is used of esbuild, which tsup brings. */
interface Esbuild {
  build(options: object): Promise<{ outputFiles: { contents: Uint8Array }[] }>
}

export async function coreSize(): Promise<object[]> {
  const fromTooling = createRequire(import.meta.url)
  const { build }: Esbuild = createRequire(fromTooling.resolve('tsup'))('esbuild')
  return Promise.all(Object.entries(ENTRIES).map(async ([what, imported]) => {
    const entry = fileURLToPath(new URL(`../../packages/tokenizer-bpe/src/${what === CORE ? 'core' : 'index'}.ts`, import.meta.url))
    const names = imported === '*' ? '*' : `{ ${imported} }`
    const { outputFiles } = await build({
      stdin: { contents: `export ${names} from ${JSON.stringify(entry)}`, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      bundle: true, minify: true, format: 'esm', target: 'es2022', write: false,
    })
    const [{ contents }] = outputFiles
    return { measure: 'size', imported: what, min_bytes: contents.length, gzip_bytes: gzipSync(contents, { level: 9 }).length }
  }))
}
