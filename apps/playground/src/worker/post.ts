// Reports from the worker to the page.
import type { Report } from '../protocol.ts'

export function post(report: Report, transfer: Transferable[] = []): void {
  globalThis.postMessage(report, { transfer })
}
