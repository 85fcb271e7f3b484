// The devices that tests of models repeat on. WebGPU has suites of its own (describeOnAdapters), with fewer and smaller cases.
export const devices = ['reference', 'wasm'] as const
