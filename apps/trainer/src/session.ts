// What every verb is given: where to speak, when to stop, and how the user called the program.
import { resolve } from 'node:path'
import { Interruption } from './interruption.js'
import { Terminal } from './terminal/terminal.js'

export interface Session {
  readonly terminal: Terminal
  readonly interruption: Interruption
  /** The folder in which the user is: paths are relative to it. */
  readonly folder: string
  /** What to type for a verb: `abovo chat RUN`. */
  command(...words: readonly string[]): string
}

export function openSession(environment: NodeJS.ProcessEnv = process.env): Session {
  const terminal = new Terminal()
  const throughNpm = environment['npm_lifecycle_event'] === 'start'
  return {
    terminal,
    interruption: new Interruption(() => terminal.line('  stopping after this step, and saving; press Ctrl-C again to stop at once')),
    // npm changes to the folder of package.json and leaves the user's here
    folder: (throughNpm ? environment['INIT_CWD'] : undefined) ?? process.cwd(),
    command: (...words) => [throughNpm ? 'npm start --' : 'abovo', ...words].join(' '),
  }
}

export const pathFrom = (session: Session, path: string): string => resolve(session.folder, path)
