// The headers the page is served with: isolation, so that threads may share memory, and a policy under which text cannot become code.
// The page works without them (a host of static files): the policy then comes from index.html, and WASM computes on one thread.
import type { Plugin } from 'vite'

/** `wasm-unsafe-eval` compiles the kernels; the blob is the WASM device's own threads. */
export const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

export function securityHeaders({ policy = true }: { policy?: boolean } = {}): Record<string, string> {
  return {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(policy ? { 'Content-Security-Policy': `${contentSecurityPolicy}; frame-ancestors 'none'` } : {}),
  }
}

/** Puts the policy into the built page itself, for hosts that set no headers. Not in development, which needs inline styles. */
export function policyInPage(): Plugin {
  return {
    name: 'ab-ovo-policy',
    apply: 'build',
    transformIndexHtml: () => [{ tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy }, injectTo: 'head-prepend' }],
  }
}
