// How smooth the page stays while it trains: the gaps between its animation frames. `pnpm --filter @abovo/playground frames`.
// One JSON line a device: the longest gap, the 99th percentile, how many gaps were over 100 ms; and the most processor time that one task of the page's
// main thread took, which holds on a busy machine as well.
import { setup, site } from '../test/browser/build-page.ts'
import { launchChromium } from '../test/browser/chromium.ts'
import { startStaticServer } from '../serve/static-server.ts'

const SECONDS = 10

await setup()
const browser = await launchChromium()
if (browser === null) process.exit(1)
const server = await startStaticServer({ folder: site })
for (const device of ['wasm', 'webgpu']) {
  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${server.url}?device=${device}`)
  await page.getByRole('button', { name: /Moby-Dick/ }).click()
  await page.getByRole('button', { name: 'Start training' }).click()
  await page.locator('#figure-loss', { hasText: /\d/ }).waitFor({ timeout: 60_000 })
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] })
  const gaps = await page.evaluate(async milliseconds => {
    const found: number[] = []
    const start = performance.now()
    for (let last = start; last < start + milliseconds;) {
      const now = await new Promise<number>(resolve => requestAnimationFrame(resolve))
      found.push(now - last)
      last = now
    }
    return found.slice(2)
  }, SECONDS * 1000)
  const task = longestTask(JSON.parse(String(await browser.stopTracing())).traceEvents)
  gaps.sort((a, b) => a - b)
  const round = (value: number): number => Math.round(value * 10) / 10
  console.log(JSON.stringify({ device, frames: gaps.length, longest: round(gaps[gaps.length - 1]), p99: round(gaps[Math.floor(gaps.length * 0.99)]), over100: gaps.filter(gap => gap > 100).length, longestTaskCpu: round(task), step: await page.locator('#figure-step').textContent(), speed: await page.locator('dl').last().innerText().then(text => text.replaceAll('\n', ' ')) }))
  await context.close()
}
await browser.close()
server.close()

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of processor time. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** In milliseconds, over the renderers' main threads. */
function longestTask(events: readonly TraceEvent[]): number {
  const mains = new Set(events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`))
  return events.reduce((most, { pid, tid, tdur = 0 }) => (mains.has(`${pid} ${tid}`) ? Math.max(most, tdur / 1000) : most), 0)
}
