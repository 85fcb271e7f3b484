// The page's line to its worker: starts it, sends requests, hears reports, and knows when it has crashed. It knows nothing of what is said.
import type { Report, Request } from '../protocol.ts'

interface Listener {
  report(report: Report): void
  /** The worker is gone, or could not be started; `detail` is the browser's message. */
  crashed(detail: string): void
}

export class WorkerLink {
  readonly #listener: Listener
  #worker: Worker | null = null

  constructor(listener: Listener) {
    this.#listener = listener
  }

  start(): void {
    this.stop()
    const worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<Report>) => this.#listener.report(data)
    worker.onerror = event => {
      event.preventDefault()
      this.stop()
      this.#listener.crashed(event.message ?? '')
    }
    this.#worker = worker
  }

  send(request: Request): void {
    this.#worker?.postMessage(request)
  }

  stop(): void {
    this.#worker?.terminate()
    this.#worker = null
  }
}
