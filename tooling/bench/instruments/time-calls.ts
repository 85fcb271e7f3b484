// Times a call that leaves its results on the device: a few calls, then one wait for a single number, which the device gives after them.
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { BenchDevice } from './bench-device.js'
import { timeOf, type Times } from './timing.js'

export interface CallTimes extends Times {
  readonly dispatches: number
  /** The highest number of bytes alive in one call after the first, less what was alive before it. */
  readonly workingBytes: number
}

/** Waits until everything queued so far is done, without moving a result to the host. */
export function fenceOf(device: Device): () => Promise<unknown> {
  const marker = tensor([1], { device }).realize()
  return () => marker.data()
}

/** `call` gives what it computed, realized. Milliseconds are of one call. */
export async function timeCalls({ device, counts }: BenchDevice, call: () => readonly Tensor[], calls = 4): Promise<CallTimes> {
  const fence = fenceOf(device)
  const once = (): void => call().forEach(result => result.dispose())
  const { liveBytes } = counts()
  once()
  const before = counts().dispatches
  once()
  const after = counts()
  const { best, median } = await timeOf(async () => {
    for (let i = 0; i < calls; i++) once()
    await fence()
  })
  return { best: best / calls, median: median / calls, dispatches: after.dispatches - before, workingBytes: after.peakBytes - liveBytes }
}
