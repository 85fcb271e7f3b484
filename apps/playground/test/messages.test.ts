// Both languages say the same things: no message is missing in one, none asks for a value that the other does not.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const messages = (language: string): Record<string, string> => JSON.parse(readFileSync(new URL(`../messages/${language}.json`, import.meta.url), 'utf8'))
const [english, korean] = [messages('en'), messages('ko')]
const values = (message: string): string[] => [...message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

test('English and Korean have the same messages', () => expect(Object.keys(korean)).toEqual(Object.keys(english)))

test.each(Object.keys(english))('%s takes the same values in both languages', name => expect(values(korean[name])).toEqual(values(english[name])))

test('Korean messages are in Korean', () => {
  const same = Object.keys(english).filter(name => !/[가-힣]/.test(korean[name]))
  expect(same).toEqual(['device_webgpu', 'device_wasm', 'attention_reading'])
})
