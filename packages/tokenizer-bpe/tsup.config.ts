import { defineConfig } from 'tsup'
import { library } from '../../tooling/build/tsup.ts'

export default defineConfig(library(['src/index.ts', 'src/core.ts', 'src/worker.ts']))
