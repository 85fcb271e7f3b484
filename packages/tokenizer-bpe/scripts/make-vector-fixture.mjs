// Writes test/fixtures/gpt-tokenizer-vectors.json from the test plans that npm's gpt-tokenizer (MIT) publishes: texts and the
// ids of OpenAI's encodings. Run: npm i --no-save gpt-tokenizer@4.0.0 && node <this file> node_modules/gpt-tokenizer/data/TestPlans.txt
import { readFileSync, writeFileSync } from 'node:fs'

const cases = []
for (const block of readFileSync(process.argv[2], 'utf8').split(/^EncodingName: /m).slice(1)) {
  const match = /^(\S+)\nSample: ([^]*)\nEncoded: (\[[^\]]*\])/.exec(block)
  if (match === null) throw new Error(`no test plan: ${block}`)
  cases.push([match[1], match[2], JSON.parse(match[3])])
}
writeFileSync(new URL('../test/fixtures/gpt-tokenizer-vectors.json', import.meta.url), `${JSON.stringify(cases)}\n`)
