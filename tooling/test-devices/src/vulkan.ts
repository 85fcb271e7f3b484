// Makes the software Vulkan drivers visible to Dawn inside the running process. It must be called on the main thread
// (in a worker, process.env is a copy) and before the first `create()` of npm's webgpu.
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { unpackSwiftShader } from './swiftshader.ts'

const driverFolders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']
const RTLD_NODELETE = 0x1000

let problem: string | undefined
let done = false

/** Returns why SwiftShader could not be had, or nothing. Runs once; VK_ICD_FILENAMES set by the user is left alone. */
export function exposeSoftwareDrivers(): string | undefined {
  if (done) return problem
  done = true
  const drivers = lavapipeDrivers()
  try {
    const { driver, loader } = unpackSwiftShader()
    keepLoaded(loader)
    drivers.unshift(driver)
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  const chosenByUser = process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES']
  if (!chosenByUser && drivers.length > 0) process.env['VK_ICD_FILENAMES'] = drivers.join(':')
  return problem
}

function lavapipeDrivers(): string[] {
  return driverFolders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => /lvp_icd[^/]*\.json$/.test(path))
}

/**
 * Dawn asks the dynamic linker for "libvulkan.so.1". The linker reads LD_LIBRARY_PATH only when a process starts, but a
 * library of that name that is already in the process satisfies it. Node then finds no addon in the library and closes
 * it; RTLD_NODELETE keeps it.
 */
function keepLoaded(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | RTLD_NODELETE)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('did not self-register')) throw error
  }
}
