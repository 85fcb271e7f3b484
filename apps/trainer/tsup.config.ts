import { defineConfig } from 'tsup'
import { commandLine } from '../../tooling/build/tsup.ts'

export default defineConfig(commandLine())
