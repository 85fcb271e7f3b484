// Serves the page that was built, and says where. Started by playground.mjs once there is something to serve.
import { fileURLToPath } from 'node:url'
import { startStaticServer } from './static-server.ts'

const folder = fileURLToPath(new URL('../dist/site', import.meta.url))
const port = Number(process.env['ABOVO_PORT'] ?? 0)

try {
  const { url, close } = await startStaticServer({ folder, port, more: Number(process.env['ABOVO_MORE_PORTS'] ?? 0) })
  console.log(`\nAb ovo's playground: ${url}\nEnglish and Korean; Ctrl-C ends it.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (close(), process.exit(0)))
} catch (error) {
  console.error(`playground: port ${port} of 127.0.0.1 must be free, got ${error instanceof Error ? error.message : String(error)}; choose another with --port`)
  process.exit(1)
}
