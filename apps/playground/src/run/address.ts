// What the page's address asks for: ?device=wasm, ?device=webgpu (software adapters too), ?threads=1.
import type { DeviceChoice } from '../protocol.ts'

export interface Wishes {
  readonly device: DeviceChoice
  readonly threads: number | null
}

export function wishesIn(address: URLSearchParams): Wishes {
  const device = address.get('device')
  const threads = Number(address.get('threads'))
  return { device: device === 'wasm' || device === 'webgpu' ? device : 'auto', threads: Number.isInteger(threads) && threads > 0 && threads <= 64 ? threads : null }
}
