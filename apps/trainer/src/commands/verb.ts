// What a command of `abovo` is: a name, what it takes, and what it does with checked settings.
import type { z } from 'zod'
import { pathFrom, type Session } from '../session.js'
import { readSettings } from '../settings/read-settings.js'

export interface Operand {
  readonly name: string
  readonly description: string
}

export interface Verb {
  readonly name: string
  readonly summary: string
  /** The one thing that is named without a flag, and must be. */
  readonly operand: Operand | null
  readonly shape: Readonly<Record<string, z.ZodType>>
  /** @param flags what was given, as text. */
  run(input: VerbInput): Promise<void>
}

export interface VerbInput {
  readonly operand: string
  readonly flags: Readonly<Record<string, unknown>>
  /** Path of a file with settings. */
  readonly config: string | undefined
  readonly session: Session
}

export interface VerbDefinition<S extends z.ZodObject> {
  name: string
  summary: string
  operand?: Operand
  settings: S
  run(settings: z.output<S>, context: { session: Session; operand: string }): Promise<void>
}

export function verb<S extends z.ZodObject>({ name, summary, operand = undefined, settings, run }: VerbDefinition<S>): Verb {
  return {
    name,
    summary,
    operand: operand ?? null,
    shape: settings.shape,
    run: async ({ operand: given, flags, config, session }) => {
      const file = config === undefined ? undefined : pathFrom(session, config)
      await run(await readSettings(settings, { verb: name, flags, config: file }), { session, operand: given })
    },
  }
}
