// How every package is tested: against sources (the @abovo/source condition), never against a dist that may be old.
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const conditions = ['@abovo/source']

export function nodeTests(overrides: ViteUserConfig['test'] = {}): ViteUserConfig {
  return defineConfig({
    resolve: { conditions: [...conditions, 'module', 'node', 'import', 'default'] },
    ssr: { resolve: { conditions: [...conditions, 'module', 'node', 'import', 'default'] } },
    test: {
      include: ['test/**/*.test.ts'],
      passWithNoTests: true,
      // `npm test` adds these reports up
      reporters: ['default', ['json', { outputFile: 'test-report.json' }]],
      // a process per file: an adapter's native crash loses one file, not the run
      pool: 'forks',
      // two: more software adapters at once only wait for the same two cores
      maxWorkers: 2,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      ...overrides,
    },
  })
}
