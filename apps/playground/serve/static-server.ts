// Serves the built page on this machine only: files of one folder, with the security headers, to requests that name this machine.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'
import { securityHeaders } from './security-headers.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
}

export interface StaticServerOptions {
  readonly folder: string
  readonly port?: number
  /** How many further ports to try where one is taken. */
  readonly more?: number
  /** Without isolation the page is served as by a plain host of files. */
  readonly isolated?: boolean
}

export interface StaticServer {
  readonly url: string
  close(): void
}

export async function startStaticServer({ folder, port = 0, more = 0, isolated = true }: StaticServerOptions): Promise<StaticServer> {
  const headers = isolated ? securityHeaders() : {}
  const server = createServer((request, response) => answer(request, response, { folder, headers }))
  const address = await listen(server, port, more)
  return { url: `http://127.0.0.1:${address}/`, close: () => (server.closeAllConnections(), server.close()) }
}

function listen(server: Server, port: number, more: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && more > 0) listen(server, port + 1, more - 1).then(resolve, reject)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.removeAllListeners('error')
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function answer(request: IncomingMessage, response: ServerResponse, { folder, headers }: { folder: string; headers: Record<string, string> }): void {
  const refuse = (status: number, reason: string): void => void response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${reason}\n`)
  // another site's name that resolves to this machine (DNS rebinding) gets nothing
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) return refuse(403, 'This server answers to 127.0.0.1 and localhost only.')
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET and HEAD are answered.')
  const path = fileFor(folder, request.url ?? '/')
  if (path === null) return refuse(404, 'There is no such file.')
  const immutable = path.includes(`${sep}assets${sep}`)
  response.writeHead(200, { ...headers, 'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Content-Length': statSync(path).size, 'Cache-Control': immutable ? 'max-age=31536000, immutable' : 'no-cache' })
  if (request.method === 'HEAD') response.end()
  else createReadStream(path).pipe(response)
}

function fileFor(folder: string, url: string): string | null {
  try {
    const name = normalize(decodeURIComponent(new URL(url, 'http://127.0.0.1').pathname))
    const path = join(folder, name.endsWith(sep) ? `${name}index.html` : name)
    return path.startsWith(folder + sep) && existsSync(path) && statSync(path).isFile() ? path : null
  } catch {
    return null
  }
}
