// Memory without discipline. Storages are freed when the garbage collector finds that nobody can reach them, but a collector sees small
// objects, not the device memory behind them, and its finalizers run only between tasks. So when device memory has grown, reads make a pause
// for them, and weigh the garbage in a currency that the collector understands.
import type { Device } from './device.js'

const SLACK = 64 * 2 ** 20
const WEIGHT = 32 * 2 ** 20
const thresholds = new WeakMap<Device, number>()

/** Has memory grown enough since the last pause to look for what can be freed? */
export const shouldCollect = (device: Device): boolean => device.counts.liveBytes > (thresholds.get(device) ?? SLACK)

/** Waits until finalizers had a chance to run; then allows half as much again as is still in use. */
export async function collectGarbage(device: Device): Promise<void> {
  const before = device.counts.liveBytes
  for (let attempt = 0; attempt < 4 && device.counts.liveBytes >= before; attempt++) {
    weigh(device.counts.liveBytes)
    await betweenTasks()
  }
  thresholds.set(device, device.counts.liveBytes * 1.5 + SLACK)
}

/** Array buffers that are dropped at once: engines count their bytes and collect sooner. Their pages are never touched. */
function weigh(bytes: number): void {
  for (let weighed = 0; weighed < bytes; weighed += WEIGHT) new ArrayBuffer(WEIGHT)
}

const betweenTasks = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0))
