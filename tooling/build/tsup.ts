// How every package is built: ESM only, one declaration file per entry. A switch to another bundler is a change of this file.
import type { Options } from 'tsup'

export function library(entry: string[] = ['src/index.ts']): Options {
  return {
    entry,
    format: ['esm'],
    target: 'es2022',
    tsconfig: 'tsconfig.build.json',
    // declarations are most of a build's time, and a program that only runs needs none: `npm start` leaves them out
    dts: process.env['ABOVO_NO_TYPES'] !== '1',
    sourcemap: true,
    clean: true,
    // a device's code is behind import(): keep it in a chunk of its own
    splitting: true,
    treeshake: true,
  }
}

export function commandLine(entry: string[] = ['src/cli.ts']): Options {
  return { ...library(entry), dts: false, target: 'node20' }
}
