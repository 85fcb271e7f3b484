// The page as it is read: in two languages, by keyboard and screen reader, and smoothly while it trains.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, afterEach, expect, test } from 'vitest'
import type Axe from 'axe-core'
import type { Page } from 'playwright-core'
import { browser, describeInBrowser, openPage, paste, reachStep, settings, smallest, type OpenPage } from './browser/open-page.ts'
import { rhyme } from './browser/rhyme.ts'

let opened: OpenPage | null = null
afterEach(async () => {
  await opened?.close()
  opened = null
})
afterAll(() => browser?.close())

declare global {
  interface Window {
    axe: typeof Axe
  }
}
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { violations: found } = await window.axe.run()
    return found.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
  })
}

async function trained(query: string): Promise<Page> {
  opened = await openPage(query)
  const { page } = opened
  await paste(page, rhyme)
  await settings(page, { ...smallest, steps: 20 })
  await page.getByRole('button', { name: 'Start training' }).click()
  await page.getByText('done', { exact: true }).waitFor()
  return page
}

describeInBrowser('languages', () => {
  test('the browser’s language is taken, the choice remembered, and a run goes on through it', async () => {
    opened = await openPage('?device=wasm', { locale: 'ko-KR' })
    const { page, server } = opened
    await page.getByRole('heading', { name: '알에서부터 키우는 언어 모델' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('ko')
    await page.getByRole('button', { name: '작은 마을 이야기' }).click()
    await page.getByRole('button', { name: '학습 시작' }).click()
    await reachStep(page, 3)
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'A language model, from the egg.' }).waitFor()
    await reachStep(page, 5)
    await page.goto(`${server.url}?device=wasm`)
    await page.getByRole('heading', { name: 'A language model, from the egg.' }).waitFor()
    await page.goto(`${server.url}?device=wasm&lang=ko`)
    await page.getByRole('heading', { name: '알에서부터 키우는 언어 모델' }).waitFor()
  })
})

describeInBrowser('accessibility', () => {
  test.each(['en', 'ko'])('axe finds nothing serious on the first page (%s), light and dark', async language => {
    opened = await openPage(`?device=wasm&lang=${language}`)
    await opened.page.locator('.device b').waitFor()
    expect(await violations(opened.page)).toEqual([])
    await opened.page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(opened.page)).toEqual([])
  })

  test('axe finds nothing serious on a trained page, light and dark', async () => {
    const page = await trained('?device=wasm')
    await page.getByText('The curve as a table').click()
    expect(await violations(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
  })

  test('attention can be read by keyboard', async () => {
    const page = await trained('?device=wasm')
    await page.getByRole('button', { name: 'Layer 1, head 2' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Layer 1, head 2' }).waitFor()
    await page.keyboard.press('Tab')
    const focused = page.locator('.gaze button:focus')
    expect(await focused.getAttribute('aria-pressed')).toBe('true')
    expect(await focused.textContent()).toContain('100%')
  })
})

describeInBrowser('smoothness', () => {
  test('frames keep coming while WASM trains', async () => {
    opened = await openPage('?device=wasm&threads=1')
    const { page } = opened
    await paste(page, rhyme)
    await settings(page, { ...smallest, steps: 100_000 })
    await page.getByRole('button', { name: 'Start training' }).click()
    await reachStep(page, 3)
    const gaps = await page.evaluate(async () => {
      const found: number[] = []
      const start = performance.now()
      for (let last = start; last < start + 3000;) {
        const now = await new Promise<number>(resolve => requestAnimationFrame(resolve))
        found.push(now - last)
        last = now
      }
      return found.slice(1)
    })
    gaps.sort((a, b) => a - b)
    // the 95th percentile: on a machine that runs other tests as well, the longest gap measures the machine. `pnpm frames` tells that one
    expect(gaps[Math.floor(gaps.length * 0.95)]).toBeLessThan(100)
  })
})
