// The account of device memory: what is live, made where, and how much may be. All storages of tensors are allocated and freed through here.
import { bytesPerElement, type Dtype } from './dtype.js'
import { DeviceError } from './errors.js'
import type { Device, Storage } from './devices/device.js'
import { formatShape, sizeOf, type Shape } from './shape.js'

interface Entry {
  readonly shape: Shape
  readonly dtype: Dtype
  readonly bytes: number
  readonly site: string | null
}

/** Live storages that were made at one place. */
export interface MemorySite {
  /** File and line, or null where sites were not being recorded. */
  readonly site: string | null
  readonly bytes: number
  readonly count: number
}

export interface MemoryReport {
  /** All device memory in use, plans' scratch included. */
  readonly liveBytes: number
  readonly peakBytes: number
  /** What tensors hold, by the line that made them, largest first. */
  readonly sites: readonly MemorySite[]
}

const accounts = new WeakMap<Device, Map<Storage, Entry>>()
const budgets = new WeakMap<Device, number>()
let recording = false
/** Whose lines do not count, besides this package's. */
let ignored: readonly string[] = []

function accountOf(device: Device): Map<Storage, Entry> {
  const known = accounts.get(device) ?? new Map<Storage, Entry>()
  accounts.set(device, known)
  return known
}

/**
 * From now on new tensors remember the line that made them. For development: taking a stack trace costs microseconds a tensor. Lines of files in
 * the folders `ignore` (URLs) are not it, but the line that called them. Gives whether lines were being recorded before.
 */
export function recordSites(on = true, { ignore = [] }: { readonly ignore?: readonly string[] } = {}): boolean {
  const before = recording
  recording = on
  ignored = ignore
  return before
}

/** The present stack; V8 keeps ten frames unless told otherwise, and a composed operation is deeper than that. */
function stackFrames(): string[] {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 60
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  return stack.split('\n').slice(1).map(frame => frame.trim())
}

/** Both ways in which engines name a file in a stack: its URL, and its path. */
function namesOf(folder: string): string[] {
  const path = folder.startsWith('file:') ? decodeURI(folder.slice('file://'.length)) : folder
  return path.length > 1 ? [folder, path] : [folder]
}

/** The first line outside of this package in the present stack, when sites are being recorded. */
export function currentSite(): string | null {
  if (!recording) return null
  // Not `new URL('.', import.meta.url)`: bundlers take that for a file to ship.
  const here = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1)
  const names = [here, ...ignored].flatMap(namesOf)
  const outside = stackFrames().find(frame => !frame.includes('<anonymous>') && !names.some(name => frame.includes(name)))
  return outside?.replace(/^at /, '') ?? null
}

/**
 * Limits the device memory that tensors and plans may take, in bytes; Infinity lifts the limit.
 * @throws DeviceError later, from what would exceed it, naming the largest tensors.
 */
export function setMemoryBudget(device: Device, bytes: number): void {
  budgets.set(device, bytes)
}

export function allocateStorage(device: Device, shape: Shape, dtype: Dtype, site: string | null): Storage {
  const bytes = sizeOf(shape) * bytesPerElement[dtype]
  checkBudget(device, bytes, `a tensor of shape ${formatShape(shape)}`)
  const storage = device.allocate(dtype, sizeOf(shape))
  accountOf(device).set(storage, { shape, dtype, bytes, site })
  return storage
}

export function freeStorage(device: Device, storage: Storage): void {
  accountOf(device).delete(storage)
  device.free(storage)
}

function checkBudget(device: Device, bytes: number, what: string): void {
  const budget = budgets.get(device)
  if (budget === undefined || device.counts.liveBytes + bytes <= budget) return
  const largest = [...accountOf(device).values()].sort((a, b) => b.bytes - a.bytes).slice(0, 3)
  const named = largest.map(entry => `${formatShape(entry.shape)} ${entry.dtype}, ${entry.bytes} bytes${entry.site === null ? '' : `, made at ${entry.site}`}`)
  throw new DeviceError(`memory: ${device.kind} may use ${budget} bytes, and ${what} needs ${bytes} more than the ${device.counts.liveBytes} in use; the largest tensors are ${named.join('; ') || 'none'}; dispose of some or raise the budget`, 'budget')
}

/**
 * What a device's memory holds now.
 *
 * @example
 * recordSites()
 * const weights = tensor([1, 2, 3])
 * memory(weights.device).sites[0].bytes   // 12
 */
export function memory(device: Device): MemoryReport {
  const sites = new Map<string | null, { bytes: number; count: number }>()
  for (const { site, bytes } of accountOf(device).values()) {
    const sum = sites.get(site) ?? { bytes: 0, count: 0 }
    sites.set(site, { bytes: sum.bytes + bytes, count: sum.count + 1 })
  }
  return {
    liveBytes: device.counts.liveBytes,
    peakBytes: device.counts.peakBytes,
    sites: [...sites].map(([site, sum]) => ({ site, ...sum })).sort((a, b) => b.bytes - a.bytes),
  }
}
