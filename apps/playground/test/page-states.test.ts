// What the page says when something is not as it should be: never a blank page, and nothing lost.
import { afterAll, afterEach, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { browser, describeInBrowser, openPage, paste, reachStep, settings, smallest, type OpenPage } from './browser/open-page.ts'
import { rhyme } from './browser/rhyme.ts'

let opened: OpenPage | null = null
afterEach(async () => {
  await opened?.close()
  opened = null
})
afterAll(() => browser?.close())

const open = async (...args: Parameters<typeof openPage>): Promise<OpenPage> => (opened = await openPage(...args))

const giveFile = (page: Page, name: string, buffer: Buffer): Promise<void> => page.getByLabel('Choose a file …').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })

/** Code that the worker runs before its own. */
const inWorker = async (page: Page, code: string): Promise<void> => {
  await page.route('**/worker-*.js', async route => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `${code};${await response.text()}` })
  })
}

async function train({ page }: OpenPage, steps = 100_000): Promise<void> {
  await paste(page, rhyme)
  await settings(page, { ...smallest, steps })
  await page.getByRole('button', { name: 'Start training' }).click()
}

describeInBrowser('a text that cannot be used', () => {
  test('is explained: empty, short, binary', async () => {
    const { page, complaints } = await open('?device=wasm')
    await paste(page, '  \n ')
    await page.getByText('There is no text in it.').waitFor()
    await paste(page, 'too short')
    await page.getByText('The text is too short: 9 characters.').waitFor()
    await giveFile(page, 'photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13, 1, 2, 3]))
    await page.getByText('“photo.png” is not a text file.').waitFor()
    await giveFile(page, 'noise.bin', Buffer.from(Uint8Array.from({ length: 5000 }, (_, i) => 1 + ((i * 7919) % 255))))
    await page.getByText('“noise.bin” is not a text file.').waitFor()
    expect(complaints).toEqual([])
  })

  test('a file of 50 MB is refused with its size, and its first part taken if wanted', async () => {
    const { page } = await open('?device=wasm')
    const line = 'A line of a very long book that goes on and on without an end.\n'
    const path = await bigFile(line)
    await page.getByLabel('Choose a file …').setInputFiles(path)
    await page.getByText(/“long\.txt” is too large for this page: 50\s?MB/).waitFor()
    await page.getByRole('button', { name: 'Use the first 8 MB' }).click()
    await page.getByText(/8,388,\d\d\d characters, 8.* MB, only the first part of the file/).waitFor()
    await page.getByRole('button', { name: 'Start training' }).waitFor()
  }, 60_000)

  test('Korean in EUC-KR is read as what it is', async () => {
    const { page } = await open('?device=wasm')
    // "알에서 시작하여 " in EUC-KR, again and again
    const phrase = [0xbe, 0xcb, 0xbf, 0xa1, 0xbc, 0xad, 0x20, 0xbd, 0xc3, 0xc0, 0xdb, 0xc7, 0xcf, 0xbf, 0xa9, 0x20]
    await giveFile(page, 'old.txt', Buffer.from(Array.from({ length: 60 }, () => phrase).flat()))
    await page.getByText('read as EUC-KR').waitFor()
    await page.locator('blockquote', { hasText: '알에서 시작하여' }).waitFor()
  })

  test('a dropped file is taken under its name', async () => {
    const { page } = await open('?device=wasm')
    const dataTransfer = await page.evaluateHandle(text => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([text], 'dropped.txt'))
      return transfer
    }, rhyme)
    await page.dispatchEvent('.drop', 'drop', { dataTransfer })
    await page.getByText('dropped.txt').waitFor()
    await page.getByRole('button', { name: 'Start training' }).waitFor()
  })

  test('markup in a text stays text', async () => {
    const { page, complaints } = await open('?device=wasm')
    await paste(page, `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>\n`.repeat(12))
    await page.getByRole('button', { name: 'Start training' }).waitFor()
    expect(await page.locator('blockquote img, .pieces img, .pieces script').count()).toBe(0)
    expect(await page.title()).not.toBe('broken')
    expect(complaints).toEqual([])
  })
})

async function bigFile(line: string): Promise<string> {
  const { mkdtempSync, writeFileSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const path = `${mkdtempSync(`${tmpdir()}/ab-ovo-`)}/long.txt`
  writeFileSync(path, line.repeat(Math.ceil((50 * 2 ** 20) / line.length)).slice(0, 50 * 2 ** 20))
  return path
}

describeInBrowser('a host without what the page would like', () => {
  test('without isolation WASM computes on one thread, and the page says so', async () => {
    const page = (await open('?device=wasm', { isolated: false })).page
    await page.getByText(/served without isolation headers/).waitFor()
    await page.getByText('1 thread', { exact: false }).first().waitFor()
    await train(opened!, 30)
    await page.getByText('done', { exact: true }).waitFor()
    expect(opened!.complaints).toEqual([])
  })

  test('WebGPU asked for where there is none is explained, with WASM as the way out', async () => {
    const { page, server } = await open()
    await inWorker(page, "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => null } })")
    await page.goto(`${server.url}?device=webgpu`)
    await page.getByText(/has no WebGPU here/).waitFor()
    await page.getByRole('button', { name: 'Use WASM instead' }).click()
    await page.getByText(/threads?$/).first().waitFor()
  })

  test('neither WebGPU nor WebAssembly is explained', async () => {
    const { page, server } = await open()
    await inWorker(page, "delete globalThis.WebAssembly; Object.defineProperty(navigator, 'gpu', { value: undefined })")
    await page.goto(`${server.url}?lang=ko`)
    await page.getByText(/계산할 수 없습니다/).waitFor()
  })

  test('without storage the run lives in the tab, and the page says so', async () => {
    const { page, server } = await open()
    await inWorker(page, "navigator.storage.getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'))")
    await page.goto(`${server.url}?device=wasm`)
    await page.getByText(/gives the page no storage/).waitFor()
    await train(opened!, 20)
    await page.getByText('done', { exact: true }).waitFor()
  })

  test('a full storage is told, and training goes on', async () => {
    const { page, context, server } = await open('?device=wasm')
    const protocol = await context.newCDPSession(page)
    await protocol.send('Storage.overrideQuotaForOrigin', { origin: new URL(server.url).origin, quotaSize: 20_000 })
    await train(opened!)
    await page.getByText(/storage is full/).waitFor()
    await reachStep(page, 10)
  })

  test('a second tab says that the first one keeps the run', async () => {
    const { page, context, server } = await open('?device=wasm')
    await page.getByText('1 thread').or(page.getByText('2 threads')).first().waitFor()
    const second = await context.newPage()
    await second.goto(`${server.url}?device=wasm`)
    await second.getByText(/open in another tab/).waitFor()
  })
})

describeInBrowser('something breaks', () => {
  test('a crash of the worker is told, and the run goes on from what was kept', async () => {
    const { page } = await open('?device=wasm')
    await train(opened!)
    await reachStep(page, 5)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByText('stopped', { exact: true }).waitFor()
    await page.workers()[0].evaluate(() => void setTimeout(() => { throw new Error('a crash for the test') }))
    await page.getByText(/has crashed/).waitFor()
    await page.getByRole('button', { name: 'Start it again' }).click()
    await page.getByText(/Your run is back/).waitFor()
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await page.getByText('training', { exact: true }).first().waitFor()
  })

  test('a text that no run has yet comes through a crash of the worker', async () => {
    const { page } = await open('?device=wasm')
    await paste(page, rhyme)
    await page.getByRole('button', { name: 'Start training' }).waitFor()
    await page.workers()[0].evaluate(() => void setTimeout(() => { throw new Error('a crash for the test') }))
    await page.getByRole('button', { name: 'Start it again' }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await reachStep(page, 2)
  })

  test('a lost graphics device is replaced, and the run goes on from its checkpoint', async () => {
    const { page } = await open('?device=webgpu')
    await train(opened!)
    await reachStep(page, 2)
    const protocol = await browser!.newBrowserCDPSession()
    await protocol.send('Browser.crashGpuProcess').catch(() => undefined)
    await page.getByText(/was lost and has been replaced/).waitFor({ timeout: 30_000 })
    await reachStep(page, 4)
  }, 90_000)

  test('a file that is no checkpoint is refused and leaves the run alone', async () => {
    const { page } = await open('?device=wasm')
    await train(opened!, 10)
    await page.getByText('done', { exact: true }).waitFor()
    await page.getByLabel('Open a download …').setInputFiles({ name: 'x.zip', mimeType: 'application/zip', buffer: Buffer.from('not a zip at all') })
    await page.getByText(/not a model that the page can open/).waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForFunction(() => (document.querySelector('#continuation')?.textContent ?? '').length > 5)
  })
})
