// Everything a trainer needs to go on exactly where it was: a few numbers and tensors by name. How it is written to disk is the application's affair.
import type { StateDict } from '@abovo/nn-transformer'
import { OptionError } from './errors.js'

export interface TrainerState {
  readonly numbers: Readonly<Record<string, number>>
  readonly tensors: StateDict
}

/** One map from several, each under its prefix. */
export function joinStates(parts: Readonly<Record<string, StateDict>>): StateDict {
  return new Map(Object.entries(parts).flatMap(([prefix, state]) => [...state].map(([name, value]) => [`${prefix}/${name}`, value] as const)))
}

/** The part that was joined under a prefix. */
export function statePart(joined: StateDict, prefix: string): StateDict {
  return new Map([...joined].flatMap(([name, value]) => (name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), value] as const] : [])))
}

/** A number of the state. */
export function stateNumber({ numbers }: TrainerState, name: string): number {
  const value = Object.hasOwn(numbers, name) ? numbers[name] : undefined
  if (value === undefined) throw new OptionError(`restore: the saved state must hold '${name}', got ${Object.keys(numbers).join(', ') || 'none'}; was it saved by another trainer?`)
  return value
}
