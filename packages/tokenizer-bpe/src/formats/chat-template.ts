// The chat template of a tokenizer_config.json. Templates are Jinja programs; the program that runs them is given by the
// caller (`Template` of npm's @huggingface/jinja), so that nobody else carries it.
import { TokenizerError } from '../errors.ts'
import { type JsonObject, fieldOf, isObject, objectOf, parseJson } from './json.ts'

export interface ChatMessage {
  role: string
  content: string
  [more: string]: unknown
}

export interface ChatTemplateOptions {
  /** Which template, if the file has several. Default 'default'. */
  name?: string
  /** End with the beginning of the assistant's answer. Default true. */
  addGenerationPrompt?: boolean
  /** More variables for the template, such as tools. */
  variables?: Readonly<Record<string, unknown>>
}

/** Something that renders Jinja. */
export type TemplateClass = new (source: string) => { render(variables: Record<string, unknown>): string }

const TOKENS = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const

/**
 * A function that writes a conversation as the text the model was trained on; encode it with `allowedSpecial: 'all'`.
 *
 * @param config text of a tokenizer_config.json, or what JSON.parse made of it
 * @throws TokenizerError 'INVALID_FORMAT' if there is no such template
 * @example
 * import { Template } from '@huggingface/jinja'
 * const render = chatTemplate(config, Template)
 * const ids = tokenizer.encode(render([{ role: 'user', content: 'Hello' }]), { allowedSpecial: 'all', addSpecialTokens: false })
 */
export function chatTemplate(config: string | object, Template: TemplateClass): (messages: readonly ChatMessage[], options?: ChatTemplateOptions) => string {
  const file = objectOf(typeof config === 'string' ? parseJson(config, 'tokenizer_config.json') : config, 'tokenizer_config.json')
  const tokens: Record<string, string> = {}
  for (const name of TOKENS) {
    const value = fieldOf(file, name)
    const text = isObject(value) ? fieldOf(value, 'content') : value
    if (typeof text === 'string') tokens[name] = text
  }
  const templates = new Map<string, InstanceType<TemplateClass>>()
  return (messages, { name = 'default', addGenerationPrompt = true, variables = {} } = {}) => {
    let template = templates.get(name)
    if (template === undefined) templates.set(name, template = new Template(sourceOf(file, name)))
    return template.render({ ...tokens, ...variables, messages: [...messages], add_generation_prompt: addGenerationPrompt })
  }
}

function sourceOf(file: JsonObject, name: string): string {
  const value = fieldOf(file, 'chat_template')
  if (typeof value === 'string' && name === 'default') return value
  const list: unknown[] = Array.isArray(value) ? value : []
  const entry = list.find((item) => isObject(item) && fieldOf(item, 'name') === name)
  const source = isObject(entry) ? fieldOf(entry, 'template') : undefined
  if (typeof source !== 'string') throw new TokenizerError('INVALID_FORMAT', `tokenizer_config.json: must have the chat template ${JSON.stringify(name)}, got none`)
  return source
}
