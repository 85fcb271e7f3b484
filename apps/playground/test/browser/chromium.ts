// Finds a Chromium for tests: the one named by ABOVO_CHROMIUM, the one that npm's @sparticuz/chromium brings (Linux x64), or the system's.
import { chmodSync, createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib'
import { chromium, type Browser } from 'playwright-core'
import { tarFiles } from './tar.ts'

const cache = fileURLToPath(new URL('../../../../.abovo/', import.meta.url))
const system = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/** The flags under which a Chromium without a graphics card has WebGPU, in software, and looks for nothing on the network. */
const flags = [
  '--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
]

/** A browser that starts, or null: why not is told once. */
export async function launchChromium(): Promise<Browser | null> {
  const reasons: string[] = []
  for (const find of [named, fromNpm, installed]) {
    try {
      const executablePath = await find()
      if (executablePath !== null) return await chromium.launch({ executablePath, headless: true, args: flags })
    } catch (error) {
      reasons.push(String(error).split('\n')[0])
    }
  }
  if (process.env['ABOVO_REQUIRE_CHROMIUM']) throw new Error(`browser tests: a Chromium must start, got none: ${reasons.join('; ')}`)
  console.warn(`SKIPPED: the browser tests found no Chromium that starts (${reasons.join('; ') || 'none installed'}); set ABOVO_CHROMIUM to one`)
  return null
}

const named = async (): Promise<string | null> => process.env['ABOVO_CHROMIUM'] ?? null
const installed = async (): Promise<string | null> => system.find(path => existsSync(path)) ?? null

/** Unpacked once for each version, into a folder of this repository. */
async function fromNpm(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  let home = dirname(main)
  while (!existsSync(join(home, 'bin', 'chromium.br'))) home = dirname(home)
  const { version }: { version: string } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const folder = join(cache, `chromium-${version}`)
  if (!existsSync(folder)) await unpack(join(home, 'bin'), folder)
  return join(folder, 'chromium')
}

async function unpack(bin: string, folder: string): Promise<void> {
  const aside = `${folder}-${process.pid}`
  mkdirSync(aside, { recursive: true })
  await pipeline(createReadStream(join(bin, 'chromium.br')), createBrotliDecompress(), createWriteStream(join(aside, 'chromium')))
  chmodSync(join(aside, 'chromium'), 0o755)
  for (const { name, bytes } of tarFiles(brotliDecompressSync(readFileSync(join(bin, 'swiftshader.tar.br'))))) {
    await pipeline([bytes], createWriteStream(join(aside, name), { mode: 0o755 }))
  }
  try {
    renameSync(aside, folder)
  } catch (error) {
    // another test process was first
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}
