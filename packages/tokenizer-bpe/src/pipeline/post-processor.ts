// What is put around the ids of a text or a pair of texts: [CLS] A [SEP] B [SEP] and the like.
import { TokenizerError } from '../errors.ts'
import { type JsonObject, fieldOf, listOf, objectOf, textField } from '../formats/json.ts'
import { unsupported } from './unsupported.ts'

/** Ids with the number of the segment that each belongs to. */
export interface Segments {
  ids: number[]
  typeIds: number[]
}

type Part = { ids: number[]; typeId: number } | { sequence: 'A' | 'B'; typeId: number }

export interface PostProcessor {
  /** Puts the template around one sequence or two. */
  process(a: Segments, b?: Segments): Segments
}

/** The templates of a `post_processor` in order; other post-processors change offsets only. */
export function postProcessorsOf(component: JsonObject, where = 'post_processor'): PostProcessor[] {
  const type = textField(component, 'type', where)
  switch (type) {
    case 'Sequence':
      return listOf(fieldOf(component, 'processors'), `${where}.processors`).flatMap((part, k) => postProcessorsOf(objectOf(part, `${where}[${k}]`), `${where}[${k}]`))
    case 'ByteLevel': return []
    case 'TemplateProcessing': {
      const special = objectOf(fieldOf(component, 'special_tokens'), `${where}.special_tokens`)
      return [template(
        partsOf(fieldOf(component, 'single'), special, `${where}.single`),
        partsOf(fieldOf(component, 'pair'), special, `${where}.pair`),
      )]
    }
    case 'BertProcessing': {
      const cls = idOf(component, 'cls', where)
      const sep = idOf(component, 'sep', where)
      const single: Part[] = [{ ids: [cls], typeId: 0 }, { sequence: 'A', typeId: 0 }, { ids: [sep], typeId: 0 }]
      return [template(single, [...single, { sequence: 'B', typeId: 1 }, { ids: [sep], typeId: 1 }])]
    }
    case 'RobertaProcessing': {
      const cls = idOf(component, 'cls', where)
      const sep = idOf(component, 'sep', where)
      const single: Part[] = [{ ids: [cls], typeId: 0 }, { sequence: 'A', typeId: 0 }, { ids: [sep], typeId: 0 }]
      return [template(single, [...single, { ids: [sep], typeId: 0 }, { sequence: 'B', typeId: 0 }, { ids: [sep], typeId: 0 }])]
    }
    default: throw unsupported(where, type)
  }
}

/** The segments of a text and perhaps a second one, without a template. */
export function joined(a: Segments, b?: Segments): Segments {
  if (b === undefined) return a
  return { ids: [...a.ids, ...b.ids], typeIds: [...a.ids.map(() => 0), ...b.ids.map(() => 1)] }
}

function template(single: readonly Part[], pair: readonly Part[]): PostProcessor {
  return {
    process(a, b) {
      const ids: number[] = []
      const typeIds: number[] = []
      for (const part of b === undefined ? single : pair) {
        const added = 'ids' in part ? part.ids : part.sequence === 'A' ? a.ids : b?.ids ?? []
        for (const id of added) {
          ids.push(id)
          typeIds.push(part.typeId)
        }
      }
      return { ids, typeIds }
    },
  }
}

function partsOf(value: unknown, special: JsonObject, where: string): Part[] {
  return listOf(value, where).map((item, k) => {
    const part = objectOf(item, `${where}[${k}]`)
    const sequence = fieldOf(part, 'Sequence')
    const token = fieldOf(part, 'SpecialToken')
    const inner = objectOf(sequence ?? token, `${where}[${k}]`)
    const type = fieldOf(inner, 'type_id')
    const typeId = typeof type === 'number' ? type : 0
    const id = textField(inner, 'id', `${where}[${k}]`)
    if (sequence !== undefined) return { sequence: id === 'B' ? 'B' : 'A', typeId }
    const ids = listOf(fieldOf(objectOf(fieldOf(special, id), `${where}[${k}]: special_tokens.${id}`), 'ids'), `special_tokens.${id}.ids`)
    return { ids: ids.map((entry) => wholeNumber(entry, `special_tokens.${id}.ids`)), typeId }
  })
}

function idOf(component: JsonObject, key: string, where: string): number {
  return wholeNumber(listOf(fieldOf(component, key), `${where}.${key}`)[1], `${where}.${key}[1]`)
}

function wholeNumber(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new TokenizerError('INVALID_FORMAT', `${where}: must be an id, got ${JSON.stringify(value) ?? 'nothing'}`)
  return value
}
