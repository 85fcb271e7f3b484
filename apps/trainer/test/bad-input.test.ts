// Whatever is wrong is told in one line that says what, where and the remedy, with an exit code of its kind, and harms no file.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { abovo, temporaryFolder, tiny, writeText } from './program-run.ts'

const file = (name: string, content: string | Uint8Array) => (folder: string): void => writeFileSync(join(folder, name), content)

const cases: readonly (readonly [what: string, words: readonly string[], exitCode: number, line: RegExp, prepare?: (folder: string) => void])[] = [
  ['a missing text', ['train', '--text', 'none.txt'], 3, /none\.txt: the text must exist, got no such file; /],
  ['a folder as text', ['train', '--text', '.'], 3, /the text must be a file, got a folder; /],
  ['an empty text', ['train', '--text', 'a.txt'], 3, /a\.txt: the text must not be empty, got 0 bytes; /, file('a.txt', '')],
  ['only a byte order mark', ['train', '--text', 'a.txt'], 3, /must not be empty, got only white space/, file('a.txt', '\ufeff\n')],
  ['text that is not UTF-8', ['train', '--text', 'a.txt'], 3, /must be UTF-8, got byte 0xe9 at byte 11 \(line 2\); /, file('a.txt', Buffer.from('first\nsecon\xe9 third', 'latin1'))],
  ['a context longer than the text', ['train', '--text', 'a.txt', ...tiny, '--n-positions', '500'], 2, /a\.txt: the text must be longer than the context, got \d+ tokens to learn from and a context of 500; /, file('a.txt', 'a short text\n'.repeat(20))],
  ['an unknown flag', ['train', '--stpes', '3'], 2, /unknown option '--stpes'; did you mean --steps\?/],
  ['an unknown flag of the verb that needs no name', ['--txet', 'a'], 2, /unknown option '--txet'; did you mean --text\?/],
  ['an unknown verb', ['trian'], 2, /must be one of story, .*got 'trian'; did you mean train\?/],
  ['a missing operand', ['chat'], 2, /missing required argument 'RUN'/],
  ['one argument too many', ['train', 'a.txt'], 2, /too many arguments/],
  ['an unknown device', ['train', '--device', 'cuda'], 2, /--device must be one of auto, webgpu, wasm, reference, got "cuda"/],
  ['several wrong values at once', ['train', '--lr', 'NaN', '--batch-size', '0', '--steps', ''], 2, /--steps must be .*--batch-size must be .*got "0".*--lr must be a number above 0, got "NaN"/],
  ['a width that heads do not divide', ['train', '--n-embd', '30', '--n-head', '4'], 2, /--n-embd must be a multiple of --n-head, got 30 and 4; choose --n-embd 32/],
  ['an unknown key in a configuration', ['train', '--config', 'c.yaml'], 2, /c\.yaml: n_layer must be a known option, got "n_layer"; did you mean nLayer\?/, file('c.yaml', 'n_layer: 3\n')],
  ['a configuration of the wrong type', ['train', '--config', 'c.yaml'], 2, /c\.yaml: nLayer must be a whole number from 1 to 200, got "three"/, file('c.yaml', 'nLayer: three\n')],
  ['a run that is not there', ['resume', 'none'], 3, /none: a run's folder must hold run\.json, got none; /],
  ['a run folder that is in use already', ['train', '--text', 'a.txt', ...tiny, '--out', 'used'], 2, /used: a new run must have a new or empty folder, got one with files; /, folder => {
    writeText(folder)
    writeFileSync(join(folder, 'a.txt'), readFileSync(join(folder, 'tale.txt')))
    mkdirSync(join(folder, 'used'))
    writeFileSync(join(folder, 'used/keep.txt'), 'mine')
  }],
  ['a file as run folder', ['train', '--text', 'a.txt', ...tiny, '--out', 'a.txt'], 2, /a\.txt: a new run must have a new folder, got a file; /, file('a.txt', 'words and words and more words\n'.repeat(100))],
  ...(process.platform === 'linux' ? [['a place that takes no folders', ['train', '--text', 'a.txt', ...tiny, '--out', '/proc/abovo/run'], 6, /\/proc\/abovo\/run: the file must be writable, got ENOENT: .*; earlier files are as they were/, file('a.txt', 'words and words and more words\n'.repeat(100))] as const] : []),
  ['a file in place of the run folder', ['train', '--text', 'a.txt', ...tiny, '--out', 'a.txt/run'], 6, /a\.txt\/run: the file must be writable, got ENOTDIR: .*; earlier files are as they were/, file('a.txt', 'words and words and more words\n'.repeat(100))],
]

for (const [what, words, exitCode, line, prepare] of cases)
  test(`${what} is one clear line`, async () => {
    const folder = temporaryFolder()
    prepare?.(folder)
    const before = readdirSync(folder, { recursive: true }).length
    const outcome = await abovo(words, { folder })
    expect(outcome.error).toMatch(line)
    expect(outcome.error).not.toContain('\n')
    expect(outcome.exitCode).toBe(exitCode)
    if (exitCode !== 2) expect(readdirSync(folder, { recursive: true }).length).toBe(before)
  })

test('a text that turns out too short leaves no run behind', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.txt'), 'a short text\n'.repeat(20))
  for (const verb of ['train', 'story']) {
    const outcome = await abovo([verb, '--text', 'a.txt', '--device', 'wasm', '--threads', '1', '--n-positions', '500', '--out', 'run'], { folder })
    expect(outcome.error).toMatch(/a\.txt: the text must be longer than the context/)
    expect(readdirSync(folder)).toEqual(['a.txt'])
  }
})

test('rows that are wrong are named by file and line, before there is a run', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '2'], { folder })
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a","completion":" b"}\n{"prompt":"a"}\n')
  const sft = await abovo(['sft', 'run', '--data', 'rows.jsonl', '--out', 'sft'], { folder })
  expect(sft.error).toMatch(/rows\.jsonl: line 2: "completion" must be text, got nothing/)
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a","chosen":"b","rejected":"b"}\n')
  expect((await abovo(['reward', 'run', '--data', 'rows.jsonl', '--out', 'reward'], { folder })).error).toMatch(/rows\.jsonl: line 1: .*tie/)
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a"}\n{"text":"a"}\n')
  expect((await abovo(['ppo', 'run', '--data', 'rows.jsonl', '--out', 'ppo'], { folder })).error).toMatch(/rows\.jsonl: line 2: a row must be \{"prompt"/)
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a"}\n')
  expect((await abovo(['ppo', 'run', '--data', 'rows.jsonl', '--out', 'ppo', '--response-length', '400'], { folder })).error).toMatch(/with 400 tokens of response; choose a smaller --response-length/)
  expect(readdirSync(folder).sort()).toEqual(['rows.jsonl', 'run', 'tale.txt'])
})

test('a reward model is no model to talk to', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '2'], { folder })
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a","chosen":"b","rejected":"c"}\n')
  await abovo(['reward', 'run', '--data', 'rows.jsonl', '--out', 'judge', '--steps', '1', '--device', 'wasm'], { folder })
  const outcome = await abovo(['sample', 'judge', '--device', 'wasm'], { folder })
  expect(outcome.error).toMatch(/judge\/checkpoints\/step-000001: a language model is expected, got a reward model, /)
  expect(outcome.exitCode).toBe(3)
})

test('a checkpoint with one changed byte is named and not used; the one before it is', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '4', '--checkpoint-every', '2'], { folder })
  const [older, newer] = ['step-000002', 'step-000004'].map(name => join(folder, 'run/checkpoints', name, 'model.safetensors'))
  const flip = (path: string): void => {
    const bytes = readFileSync(path)
    bytes[bytes.length - 5] ^= 1
    writeFileSync(path, bytes)
  }
  const whole = readFileSync(newer)
  flip(newer)
  const resumed = await abovo(['resume', 'run', '--device', 'wasm', '--threads', '1'], { folder })
  expect(resumed.output).toMatch(/not used: .*step-000004: model\.safetensors must have the SHA-256/)
  expect(resumed.output).toContain('going on from step 2 of 4')
  expect(readFileSync(newer).equals(whole)).toBe(true)
  flip(newer)
  flip(older)
  const none = await abovo(['sample', 'run'], { folder })
  expect(none.exitCode).toBe(3)
  expect(none.error).toMatch(/step-000004: model\.safetensors must.*step-000002: model\.safetensors must.*; no checkpoint here is whole: /)
})

test('a changed text is not taken for the one the run began with', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  await abovo(['train', '--text', text, '--out', 'run', ...tiny, '--steps', '2'], { folder })
  writeFileSync(text, 'Another text.\n'.repeat(100))
  const { error, exitCode } = await abovo(['resume', 'run'], { folder })
  expect(error).toMatch(/tale\.txt: the text must be the one the run began with, got another/)
  expect(exitCode).toBe(3)
})
