// Everything of the WebGPU device that the rest of the package may use; loaded only when that device is asked for.
export { requestWebgpuDevice, webgpuDeviceFrom, requestGpuAdapter, findsSoftwareAdapter, type WebgpuOptions } from './webgpu-device.js'
export { WebgpuDevice } from './gpu-device.js'
export { isSoftwareAdapter, type GpuTraits } from './traits.js'
export { generate, printKernel } from './generate.js'
