// The page from a text to a trained model, on both devices; through a reload; and out again into Node.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, expect, test } from 'vitest'
import { Gpt, loadModel } from '@abovo/nn-transformer'
import { requestDevice, tensor } from '@abovo/tensor-webgpu'
import { loadTokenizer } from '@abovo/tokenizer-bpe'
import { readZip } from '../src/archive/read-zip.ts'
import { browser, describeInBrowser, number, openPage, paste, reachStep, settings, smallest, type OpenPage } from './browser/open-page.ts'
import { rhyme } from './browser/rhyme.ts'

let opened: OpenPage | null = null
afterEach(async () => {
  await opened?.close()
  opened = null
})
afterAll(() => browser?.close())

/** ln 320 = 5.77 is where an untrained model begins. */
const LEARNED = 2.5

async function begin(query: string, changes: Partial<typeof smallest> | { steps: number } = {}): Promise<OpenPage> {
  opened = await openPage(query)
  await paste(opened.page, rhyme)
  await settings(opened.page, { ...smallest, ...changes })
  await opened.page.getByRole('button', { name: 'Start training' }).click()
  return opened
}

describeInBrowser('the page', () => {
  test.each(['wasm', 'webgpu'])('trains on %s to a loss below 2.5 within 90 steps, without a complaint', async device => {
    const { page, complaints } = await begin(`?device=${device}`, { steps: 90 })
    await page.getByText('done', { exact: true }).waitFor({ timeout: 50_000 })
    expect(await page.locator('.device').textContent()).toContain(device === 'wasm' ? 'WASM' : 'WebGPU')
    expect(await number(page, '#figure-step')).toBe(90)
    expect(await number(page, '#figure-loss')).toBeLessThan(LEARNED)
    // attention of both heads, samples
    expect(await page.getByRole('button', { name: /^Layer 1, head/ }).count()).toBe(2)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForFunction(() => (document.querySelector('#continuation')?.textContent ?? '').length > 20)
    expect(complaints).toEqual([])
  })

  test('survives a reload in mid-run and goes on to the numbers of an uninterrupted run', async () => {
    const straight = await begin('?device=wasm', { steps: 400 })
    await straight.page.getByText('done', { exact: true }).waitFor()
    const expected = await logits(straight, 'the hen')
    await straight.close()

    const { page } = await begin('?device=wasm', { steps: 400 })
    await reachStep(page, 20)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByText('stopped', { exact: true }).waitFor()
    await page.reload()
    await page.getByText(/Your run is back/).waitFor()
    expect(await number(page, '#figure-step')).toBeGreaterThanOrEqual(20)
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await page.getByText('done', { exact: true }).waitFor()
    expect(await number(page, '#figure-step')).toBe(400)
    expect((await logits(opened!, 'the hen')).logits).toEqual(expected.logits)
  })

  test('a reload without a stop costs no more than what came after the last checkpoint', async () => {
    const { page } = await begin('?device=wasm', { steps: 100_000 })
    await reachStep(page, 30)
    await page.getByText(/Kept in this browser/).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await reachStep(page, 31)
  })

  test('the download gives the same logits in Node', async () => {
    const page = await begin('?device=wasm', { steps: 40 }).then(({ page }) => page)
    await page.getByText('done', { exact: true }).waitFor()
    const prompt = 'then out of the egg'
    const inPage = await logits(opened!, prompt)
    const files = await downloadFiles(opened!)
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']))

    const device = await requestDevice('wasm', { threads: 1 })
    const tokenizer = loadTokenizer(new TextDecoder().decode(files['tokenizer.json']))
    const ids = Int32Array.from(tokenizer.encode(prompt))
    expect([...ids]).toEqual(inPage.ids)
    const model = loadModel(files, { device })
    if (!(model instanceof Gpt)) throw new Error('the download must hold a GPT')
    const inNode = await model.forward(tensor(ids, { shape: [1, ids.length], device })).slice([null, ids.length - 1]).data()
    expect(inNode.length).toBe(inPage.logits.length)
    inPage.logits.forEach((logit, i) => expect(Math.abs(logit - inNode[i])).toBeLessThan(1e-4))
    device.close()
  })
})

interface Logits {
  readonly ids: readonly number[]
  readonly logits: readonly number[]
}

const logits = ({ page }: OpenPage, prompt: string): Promise<Logits> =>
  page.evaluate(async text => {
    const answer = await window.abovo.logits(text)
    return { ids: answer.ids, logits: [...answer.logits] }
  }, prompt)

async function downloadFiles({ page }: OpenPage): Promise<Record<string, Uint8Array>> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the model' }).click()])
  expect(download.suggestedFilename()).toMatch(/^ab-ovo-Pasted-text-step-40\.zip$/)
  return readZip(new Uint8Array(readFileSync(await download.path())))
}
