// Tuning choices in a real browser: found again after a reload, ignored where they are damaged or old, done without where nothing can be stored.
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startStaticServer, type StaticServer } from '../serve/static-server.ts'
import { home } from './browser/build-page.ts'
import { browser, describeInBrowser } from './browser/open-page.ts'
import type { tuningPage } from './browser/tuning-page/tuning.ts'

const folder = `${home}dist/test-tuning`
let server: StaticServer | null = null
let pages: Page[] = []

beforeAll(async () => {
  if (browser === null) return
  const root = fileURLToPath(new URL('browser/tuning-page', import.meta.url))
  await build({ root, configFile: false, base: './', logLevel: 'error', resolve: { conditions: ['@abovo/source', 'module', 'browser', 'import', 'default'] }, build: { outDir: folder, emptyOutDir: true, target: 'es2022' } })
  server = await startStaticServer({ folder, isolated: false })
})
afterEach(async () => {
  for (const page of pages) await page.context().close()
  pages = []
})
afterAll(async () => {
  server?.close()
  await browser?.close()
})

type TuningPage = typeof tuningPage
type Ran = Awaited<ReturnType<TuningPage['run']>>

async function open(initScript = ''): Promise<Page> {
  if (browser === null) throw new Error('browser tests: a page was asked for without a Chromium')
  const context = await browser.newContext()
  if (initScript !== '') await context.addInitScript(initScript)
  const page = await context.newPage()
  pages.push(page)
  await load(page)
  return page
}

async function load(page: Page): Promise<void> {
  await page.goto(server?.url ?? '')
  await page.waitForFunction(() => 'tuningPage' in globalThis)
}

const inPage = <T>(page: Page, call: string): Promise<T> => page.evaluate<T>(`tuningPage.${call}`)
const tuned = (page: Page): Promise<Ran> => inPage(page, 'run(30000)')
/** What is known without measuring anything. */
const known = (page: Page): Promise<Ran> => inPage(page, 'run(0)')

describeInBrowser('tuning choices', () => {
  test('are found again after a reload, and change no bit', async () => {
    const page = await open()
    expect((await known(page)).choices).toEqual({})
    const first = await tuned(page)
    expect(Object.keys(first.choices)).toHaveLength(1)
    expect(first.after).toEqual(first.before)
    await load(page)
    const again = await known(page)
    expect(again.choices).toEqual(first.choices)
    expect(again.before).toEqual(first.before)
  })

  test.each([
    ['damaged text', '"{"'], ['no text', '{ choices: 3 }'], ['choices of an older version', `'{"generator": 0, "choices": {}}'`],
  ])('are measured anew where the record is %s', async (_, record) => {
    const page = await open()
    const first = await tuned(page)
    expect(await inPage(page, `spoil(${record})`)).toBe(1)
    await load(page)
    expect((await known(page)).choices).toEqual({})
    await load(page)
    expect(Object.keys((await tuned(page)).choices)).toEqual(Object.keys(first.choices))
  })

  test.each([['without its table', 1], ['of a later version', 7]])('are done without where the database is one %s', async (_, version) => {
    const page = await open()
    await inPage(page, `replaceDatabase(${version})`)
    expect(Object.keys((await tuned(page)).choices)).toHaveLength(1)
    await load(page)
    expect((await known(page)).choices).toEqual({})
  })

  test.each([
    ['there is no IndexedDB', `Object.defineProperty(globalThis, 'indexedDB', { value: undefined })`],
    ['IndexedDB refuses', `IDBFactory.prototype.open = () => { throw new DOMException('The operation is insecure.', 'SecurityError') }`],
    ['IndexedDB fails', `IDBObjectStore.prototype.get = IDBObjectStore.prototype.put = () => { throw new DOMException('The quota is exceeded.', 'QuotaExceededError') }`],
  ])('are done without where %s', async (_, initScript) => {
    const page = await open(initScript)
    const ran = await tuned(page)
    expect(Object.keys(ran.choices)).toHaveLength(1)
    expect(ran.after).toEqual(ran.before)
  })
})
