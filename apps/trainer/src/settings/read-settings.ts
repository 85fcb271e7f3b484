// From flags and a --config file to a verb's settings: every complaint in one message, each with what must hold and what was given.
import { parse } from 'yaml'
import type { z } from 'zod'
import { Failure } from '../failure.js'
import { readBytes } from '../text/source-text.js'
import { nearestName } from './nearest-name.js'
import { flagOf } from './options.js'

type Raw = Readonly<Record<string, unknown>>

/**
 * Flags win over the file.
 *
 * @param config path of a YAML or JSON file whose keys are the options' names.
 * @throws Failure `usage` with all complaints.
 */
export async function readSettings<S extends z.ZodObject>(schema: S, { verb, flags, config }: { verb: string; flags: Raw; config?: string | undefined }): Promise<z.output<S>> {
  const file = config === undefined ? {} : await readConfigFile(config)
  try {
    return checkSettings(schema, { ...file, ...flags }, name => (name in flags || config === undefined ? flagOf(name) : `${config}: ${name}`))
  } catch (error) {
    throw error instanceof Failure ? new Failure('usage', `abovo ${verb}: ${error.message}; see abovo ${verb} --help`, { cause: error }) : error
  }
}

/** @param where how an option is called in messages. */
export function checkSettings<S extends z.ZodObject>(schema: S, raw: Raw, where: (name: string) => string): z.output<S> {
  const known = Object.keys(schema.shape)
  const unknown = Object.keys(raw).filter(name => !known.includes(name)).map(name => {
    const nearest = nearestName(name, known)
    return `${where(name)} must be a known option, got ${JSON.stringify(name)}; ${nearest === null ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`}`
  })
  const result = schema.safeParse(raw)
  const wrong = result.success ? [] : result.error.issues.filter(issue => issue.code !== 'unrecognized_keys').map(issue => {
    const name = String(issue.path[0] ?? '')
    return `${where(name)} must be ${issue.message}, got ${raw[name] === undefined ? 'nothing' : JSON.stringify(raw[name])}`
  })
  if (!result.success || unknown.length > 0) throw new Failure('usage', [...unknown, ...wrong].join('; '))
  return result.data
}

async function readConfigFile(path: string): Promise<Raw> {
  const text = new TextDecoder().decode(await readBytes(path, 'configuration'))
  let parsed: unknown
  try {
    parsed = parse(text)
  } catch (error) {
    throw new Failure('usage', `${path}: the configuration must be YAML or JSON, got ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Failure('usage', `${path}: the configuration must be a list of names and values, got ${parsed === null ? 'nothing' : 'something else'}; write lines such as "steps: 500"`)
  return Object.fromEntries(Object.entries(parsed))
}
