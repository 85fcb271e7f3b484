import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startStaticServer, type StaticServer } from '../../serve/static-server.ts'
import { site } from '../browser/build-page.ts'

let server: StaticServer
beforeAll(async () => {
  server = await startStaticServer({ folder: site })
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
}

const ask = (path: string, { host, method = 'GET' }: { host?: string; method?: string } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(server.url)
    const sent = request({ host: '127.0.0.1', port, path, method, ...(host === undefined ? {} : { headers: { host } }) }, response => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    sent.on('error', reject)
    sent.end()
  })

describe('the server', () => {
  test('gives the page with isolation and a policy without inline code', async () => {
    const { status, headers } = await ask('/')
    expect(status).toBe(200)
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp')
    expect(headers['content-security-policy']).not.toContain('unsafe-inline')
  })
  test('answers to this machine’s names only', async () => {
    expect((await ask('/', { host: 'evil.example' })).status).toBe(403)
    expect((await ask('/', { host: 'localhost:1234' })).status).toBe(200)
  })
  test.each(['/../package.json', '/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/%', '/none.js', '/assets'])('does not leave its folder: %s', async path => expect((await ask(path)).status).toBe(404))
  test('takes nothing in', async () => expect((await ask('/', { method: 'POST' })).status).toBe(405))
})
