export { missingRequirement, nullGpu, testAdapters, type TestAdapter } from './adapters.ts'
