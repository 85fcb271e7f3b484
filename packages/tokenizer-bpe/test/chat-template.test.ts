import { Template } from '@huggingface/jinja'
import { describe, expect, it } from 'vitest'
import { chatTemplate } from '../src/index.ts'

const source = "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
const messages = [{ role: 'user', content: 'Hi' }]

describe('a chat template', () => {
  it('writes a conversation with the special tokens of the file', () => {
    const render = chatTemplate({ chat_template: source, bos_token: '<s>', eos_token: { content: '</s>' } }, Template)
    expect(render(messages)).toBe('<s><|user|>Hi</s><|assistant|>')
    expect(render(messages, { addGenerationPrompt: false })).toBe('<s><|user|>Hi</s>')
  })

  it('is found by its name among several', () => {
    const render = chatTemplate({ chat_template: [{ name: 'default', template: 'd' }, { name: 'tool_use', template: 't{{ tools[0] }}' }] }, Template)
    expect(render(messages)).toBe('d')
    expect(render(messages, { name: 'tool_use', variables: { tools: ['x'] } })).toBe('tx')
    expect(() => render(messages, { name: 'rag' })).toThrowError(expect.objectContaining({ code: 'INVALID_FORMAT' }))
  })
})
