// The device that tensors are made on when none is named: the first one requested, or the one set here.
import { DeviceError } from '../errors.js'
import type { Device } from './device.js'

let current: Device | null = null

export function setDefaultDevice(device: Device): void {
  current = device
}

/** Keeps an earlier choice. */
export function offerDefaultDevice(device: Device): void {
  current ??= device
}

export function defaultDevice(where: string): Device {
  if (current === null) throw new DeviceError(`${where}: a device must be chosen first, got none; call \`await requestDevice()\` or pass { device }`, 'no-device')
  return current
}

/** After a device is closed it is nobody's default. */
export function withdrawDefaultDevice(device: Device): void {
  if (current === device) current = null
}
