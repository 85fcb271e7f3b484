// The worker's program from its TypeScript source: Node alone does not read that in a thread.
import { register } from 'tsx/esm/api'

register()
await import('../src/worker.ts')
