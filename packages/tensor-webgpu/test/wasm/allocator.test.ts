import { describe, expect, test } from 'vitest'
import { Allocator } from '../../src/devices/wasm/allocator.js'
import { RandomStream } from '../../src/random.js'

describe('Allocator', () => {
  test('gives aligned blocks that do not overlap, and joins them again', () => {
    const allocator = new Allocator(128)
    allocator.extend(128 + 64 * 1000)
    const stream = new RandomStream(1)
    const live = new Map<number, number>()
    for (let i = 0; i < 3000; i++) {
      if (stream.uniform() < 0.55) {
        const bytes = 1 + stream.integer(3000)
        const start = allocator.allocate(bytes)
        if (start === null) continue
        expect(start % 64).toBe(0)
        for (const [other, size] of live) expect(start + bytes <= other || other + size <= start).toBe(true)
        live.set(start, bytes)
      } else if (live.size > 0) {
        const [start] = [...live.keys()].slice(stream.integer(live.size))
        allocator.free(start)
        live.delete(start)
      }
    }
    for (const start of live.keys()) allocator.free(start)
    expect(allocator.tail).toBe(64_000)
    expect(allocator.allocate(64_000)).toBe(128)
  })

  test('refuses to free twice', () => {
    const allocator = new Allocator(0)
    allocator.extend(1024)
    const start = allocator.allocate(100) ?? -1
    allocator.free(start)
    expect(() => allocator.free(start)).toThrow(/freed twice/)
  })

  test('says when nothing fits, and fits after growing', () => {
    const allocator = new Allocator(0)
    allocator.extend(1024)
    expect(allocator.allocate(2000)).toBeNull()
    allocator.extend(4096)
    expect(allocator.allocate(2000)).toBe(0)
  })
})
