// From the command line to a verb: commander knows flags and words, the table of verbs everything else.
import { Command, CommanderError, Option } from 'commander'
import { z } from 'zod'
import type { Verb } from './commands/verb.js'
import { verbs } from './commands/verbs.js'
import { Failure } from './failure.js'
import type { Session } from './session.js'
import { nearestName } from './settings/nearest-name.js'
import { flagOf } from './settings/options.js'

/** @throws Failure `usage` for what the command line cannot mean; whatever the verb throws. */
export async function runProgram(words: readonly string[], { session, version }: { session: Session; version: string }): Promise<void> {
  const program = new Command('abovo')
    .description('Ab ovo: language models from the very beginning.')
    .version(version)
    .configureOutput({ writeErr: () => {} })   // failures are told by the caller, in one line
    .exitOverride()
    .showSuggestionAfterError(true)
  for (const each of verbs) addVerb(program, each, session)
  checkVerb(words)
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw new Failure('usage', complaint(error, words), { cause: error })
  }
}

function addVerb(program: Command, { name, summary, operand, shape, run }: Verb, session: Session): void {
  const command = program.command(name, { isDefault: name === verbs[0].name }).description(summary).allowExcessArguments(false)
  if (operand !== null) command.argument(`<${operand.name}>`, operand.description)
  for (const [key, schema] of Object.entries(shape)) command.addOption(optionOf(key, schema))
  command.option('--config <FILE>', 'YAML or JSON with any of these; flags win')
  command.action(async (...given: unknown[]) => {
    const { config, ...flags } = command.opts<Record<string, unknown>>()
    await run({ operand: operand === null ? '' : String(given[0]), flags, config: typeof config === 'string' ? config : undefined, session })
  })
}

function optionOf(key: string, schema: z.ZodType): Option {
  const { description = '', value = 'VALUE' } = z.globalRegistry.get(schema) ?? {}
  const preset = schema.safeParse(undefined)
  const shown = preset.success && preset.data !== undefined ? ` (${String(preset.data)})` : ''
  return new Option(`${flagOf(key)} <${String(value)}>`, `${description}${shown}`)
}

/** Without this, a mistyped verb would be an argument too many of the default verb. */
function checkVerb([first]: readonly string[]): void {
  if (first === undefined || first.startsWith('-')) return
  const names = [...verbs.map(({ name }) => name), 'help']
  if (names.includes(first)) return
  const nearest = nearestName(first, names)
  throw new Failure('usage', `abovo: a command must be one of ${names.join(', ')}, got '${first}'${nearest === null ? '' : `; did you mean ${nearest}?`}`)
}

function complaint({ message }: CommanderError, words: readonly string[]): string {
  const text = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*?)\?\)/s, '; did you mean $1?')
  const name = verbs.find(({ name: known }) => known === words[0])?.name ?? verbs[0].name
  return `abovo ${name}: ${text}${text.includes('; did you mean') ? '' : `; see abovo ${name} --help`}`
}
