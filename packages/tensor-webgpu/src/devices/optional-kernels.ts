// Kernels that many programs never need: a device loads their code only where something that builds their operations is part of the program.
// A bundler drops what is not; a page that infers ships no gradients of attention.
import { DeviceError } from '../errors.js'

export type OptionalKernel = 'attentionBackward' | 'categorical'

/** Loads the code of a kind of kernel for one kind of device. */
type Loader = (kind: OptionalKernel) => Promise<void>

const wanted = new Set<OptionalKernel>()
const loaders = new Set<Loader>()

/**
 * Marks `build` as what makes operations of a kind. Called as its module is evaluated, and annotated as pure: where a bundler finds `build` unused,
 * the kernels are left out with it.
 */
export function withKernel<F>(kind: OptionalKernel, build: F): F {
  wanted.add(kind)
  // what cannot be loaded is told to whoever needs it
  for (const load of loaders) load(kind).catch(() => undefined)
  return build
}

/** Awaited before a device is handed out: what has been marked by then. What is marked later is loaded at once, but not waited for. */
export async function loadWanted(load: Loader): Promise<void> {
  loaders.add(load)
  await Promise.all([...wanted].map(load))
}

/** The code of a kind of kernel, or a DeviceError where it is not there (yet). */
export function present<T>(code: T | null, device: string, kind: OptionalKernel): T {
  if (code === null) throw new DeviceError(`${device}: the kernels of ${kind} must be loaded, which they are not yet; import what uses them before the device is requested`, 'missing')
  return code
}
