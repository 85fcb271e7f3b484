// How every command that trains goes: open the device, make or open the run's folder, lock it, do the work, and give everything back.
import type { Device } from '@abovo/tensor-webgpu'
import { openDevice, type DeviceSettings } from '../device.js'
import { describeFailure, exitCodes } from '../failure.js'
import type { Session } from '../session.js'
import type { RunFolder } from '../storage/run-folder.js'

export interface Stagehands {
  readonly session: Session
  readonly device: Device
}

/** The work of a run, new or resumed: everything it needs to know stands in the run's folder. */
export type Perform = (run: RunFolder, hands: Stagehands) => Promise<void>

export async function conduct(perform: Perform, { session, settings, open }: { session: Session; settings: DeviceSettings; open: (device: Device) => Promise<RunFolder> }): Promise<void> {
  const device = await openDevice(settings)
  try {
    const run = await open(device)
    const lock = run.lock()
    try {
      await perform(run, { session, device })
    } catch (error) {
      if (isWrongInput(error)) await run.withdraw()
      throw error
    } finally {
      lock.release()
    }
  } finally {
    device.close()
  }
}

/** What a user mends and asks for again, with the same --out. */
const isWrongInput = (error: unknown): boolean => new Set<number>([exitCodes.usage, exitCodes.input]).has(describeFailure(error).exitCode)
