// Counts what a program asks of WebGPU, from outside: the API's own methods are wrapped, so that no library can count in its own favour.
export interface WebgpuCounts {
  dispatches: number
  submits: number
  /** Reads that the host may wait for. */
  maps: number
  buffersCreated: number
  bindGroupsCreated: number
  pipelinesCreated: number
  liveBytes: number
  peakBytes: number
}

type Method = (this: object, ...args: readonly unknown[]) => unknown

/** Wraps one method of a WebGPU interface; `after` sees the receiver, the arguments and the result. */
function wrap(interfaceName: string, method: string, after: (receiver: object, args: readonly unknown[], result: unknown) => void): void {
  const constructor: unknown = Reflect.get(globalThis, interfaceName)
  if (typeof constructor !== 'function') return
  const prototype: object = constructor.prototype
  const original: unknown = Reflect.get(prototype, method)
  if (typeof original !== 'function') return
  const wrapped: Method = function (...args) {
    const result: unknown = Reflect.apply(original, this, args)
    after(this, args, result)
    return result
  }
  Object.defineProperty(prototype, method, { configurable: true, writable: true, value: wrapped })
}

/** Call before a device is requested; WebGPU's interfaces must be global. */
export function countWebgpu(): WebgpuCounts {
  const counts: WebgpuCounts = { dispatches: 0, submits: 0, maps: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0, liveBytes: 0, peakBytes: 0 }
  const sizes = new WeakMap<object, number>()
  wrap('GPUDevice', 'createBuffer', (_, [descriptor], buffer) => {
    const size: unknown = typeof descriptor === 'object' && descriptor !== null ? Reflect.get(descriptor, 'size') : 0
    counts.buffersCreated++
    if (typeof size !== 'number' || typeof buffer !== 'object' || buffer === null) return
    sizes.set(buffer, size)
    counts.liveBytes += size
    counts.peakBytes = Math.max(counts.peakBytes, counts.liveBytes)
  })
  wrap('GPUBuffer', 'destroy', buffer => {
    counts.liveBytes -= sizes.get(buffer) ?? 0
    sizes.delete(buffer)
  })
  wrap('GPUBuffer', 'mapAsync', () => counts.maps++)
  wrap('GPUDevice', 'createBindGroup', () => counts.bindGroupsCreated++)
  wrap('GPUDevice', 'createComputePipeline', () => counts.pipelinesCreated++)
  wrap('GPUDevice', 'createComputePipelineAsync', () => counts.pipelinesCreated++)
  wrap('GPUQueue', 'submit', () => counts.submits++)
  wrap('GPUComputePassEncoder', 'dispatchWorkgroups', () => counts.dispatches++)
  wrap('GPUComputePassEncoder', 'dispatchWorkgroupsIndirect', () => counts.dispatches++)
  return counts
}
