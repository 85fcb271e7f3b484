// Which software WebGPU adapters this machine has for tests: one JSON line each.
import { testAdapters } from '@abovo/test-devices'

for (const { name, requestAdapter } of await testAdapters()) {
  const { info, features, limits } = await requestAdapter()
  console.log(
    JSON.stringify({
      name,
      description: info.description,
      subgroups: [info.subgroupMinSize, info.subgroupMaxSize],
      f16: features.has('shader-f16'),
      timestamps: features.has('timestamp-query'),
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    }),
  )
}
