// SwiftShader (a Vulkan driver in software) and the Vulkan loader, unpacked from npm's @sparticuz/chromium into a folder
// of this repository: no root, no system package. Not the Chromium in that package.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import { tarFiles } from './tar.ts'

export interface SwiftShader {
  /** path of the driver's description, for VK_ICD_FILENAMES */
  readonly driver: string
  /** path of libvulkan.so.1 */
  readonly loader: string
}

const wanted = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json']
const cache = fileURLToPath(new URL('../../../.abovo/', import.meta.url))

/** Unpacks once for each version of the npm package. Throws where the package is missing or the machine is not Linux x64. */
export function unpackSwiftShader(): SwiftShader {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`SwiftShader: the npm package holds Linux x64 only, got ${process.platform} ${process.arch}`)
  }
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const home = main.slice(0, main.lastIndexOf('chromium') + 'chromium'.length)
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }
  const folder = join(cache, `swiftshader-${version}`)
  if (!existsSync(folder)) unpack(join(home, 'bin', 'swiftshader.tar.br'), folder)
  return { driver: join(folder, 'vk_swiftshader_icd.json'), loader: join(folder, 'libvulkan.so.1') }
}

function unpack(archive: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true })
  // test processes start together: each unpacks aside, the first rename wins
  const aside = mkdtempSync(`${folder}-`)
  for (const { name, bytes } of tarFiles(brotliDecompressSync(readFileSync(archive)))) {
    if (wanted.includes(name)) writeFileSync(join(aside, name), bytes, { mode: 0o755 })
  }
  try {
    renameSync(aside, folder)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}
