// Writes docs/operations.md from the table, and prints how much of it is covered.
import { writeFileSync } from 'node:fs'
import { coverage, operationsPage } from './src/documentation.js'

writeFileSync(new URL('../../docs/operations.md', import.meta.url), operationsPage())
process.stdout.write(`${JSON.stringify(coverage())}\n`)
