// The page in a Chromium for a test: served, opened, and driven by what a person sees.
import { describe } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startStaticServer, type StaticServer } from '../../serve/static-server.ts'
import { launchChromium } from './chromium.ts'
import { site } from './build-page.ts'

/** Null where there is no Chromium. */
export const browser: Browser | null = await launchChromium()

/** Tests in the browser; reported as skipped where there is none. */
export function describeInBrowser(title: string, body: () => void): void {
  if (browser === null) describe.skip(`${title} (no Chromium)`, body)
  else describe(title, body)
}

export interface OpenPage {
  readonly page: Page
  readonly context: BrowserContext
  readonly server: StaticServer
  /** What the page complained about: errors, and breaches of its policy. */
  readonly complaints: string[]
  close(): Promise<void>
}

export async function openPage(query = '', { isolated = true, locale = 'en-US', initScript = '' } = {}): Promise<OpenPage> {
  if (browser === null) throw new Error('browser tests: a page was asked for without a Chromium')
  const server = await startStaticServer({ folder: site, isolated })
  // a context of its own: nothing stored by one test is seen by another
  const context = await browser.newContext({ locale, acceptDownloads: true, reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } })
  if (initScript !== '') await context.addInitScript(initScript)
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => void (message.type() === 'error' && complaints.push(message.text())))
  await page.goto(`${server.url}${query}`)
  return { page, context, server, complaints, close: async () => (await context.close(), server.close()) }
}

export async function paste(page: Page, text: string): Promise<void> {
  await page.locator('#pasted').fill(text)
  await page.getByRole('button', { name: 'Use this text' }).click()
}

const labels = [['layers', 'Layers'], ['heads', 'Heads'], ['width', 'Width'], ['context', 'Context (tokens)'], ['batch', 'Batch'], ['steps', 'Steps'], ['rate', 'Learning rate']] as const

export async function settings(page: Page, values: Partial<Record<(typeof labels)[number][0], number>>): Promise<void> {
  await page.getByText('More settings').click()
  for (const [name, label] of labels) if (values[name] !== undefined) await page.getByLabel(label, { exact: true }).fill(String(values[name]))
}

/** A model that learns within seconds on one core. */
export const smallest = { layers: 1, heads: 2, width: 32, context: 32, batch: 8, steps: 150, rate: 0.01 } as const

export async function number(page: Page, selector: string): Promise<number> {
  const text = await page.locator(selector).textContent()
  return Number((text ?? '').replace(/\/.*$/, '').replaceAll(',', '').trim())
}

export const reachStep = (page: Page, step: number): Promise<unknown> =>
  page.waitForFunction(wanted => Number((document.querySelector('#figure-step')?.textContent ?? '0').replace(/\/.*$/, '').replaceAll(',', '')) >= wanted, step, { timeout: 40_000 })
