#!/usr/bin/env node
// The process: runs the command line, tells a failure in one line, and ends with its exit code.
import { describeFailure } from './failure.js'
import { Interrupted } from './interruption.js'
import { runProgram } from './program.js'
import { openSession } from './session.js'
import manifest from '../package.json' with { type: 'json' }

// a reader that goes away (`| head`) is no fault
process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1))

const session = openSession()
session.interruption.listen()

async function main(): Promise<number> {
  try {
    await runProgram(process.argv.slice(2), { session, version: manifest.version })
    return 0
  } catch (error) {
    if (process.env['ABOVO_DEBUG'] !== undefined) console.error(error)
    session.terminal.end()
    if (error instanceof Interrupted) {
      console.error(`abovo: interrupted: ${error.message}`)
      return error.exitCode
    }
    const { line, exitCode } = describeFailure(error)
    console.error(line)
    return exitCode
  }
}

const exitCode = await main()
// output to a pipe may still be under way
process.stdout.write('', () => process.exit(exitCode))
