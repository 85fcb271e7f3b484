// Times of repeated work on a machine that others use too: the best is what the code can do, the median is what it did.

export interface Times {
  readonly best: number
  readonly median: number
}

/** Milliseconds of `work`, which must wait for its own result, after two turns that are not counted. */
export async function timeOf(work: () => Promise<unknown>, { least = 7, budgetMs = 4000 } = {}): Promise<Times> {
  await work()
  await work()
  const times: number[] = []
  const start = performance.now()
  while (times.length < least || (times.length < 200 && performance.now() - start < budgetMs / 2)) {
    const from = performance.now()
    await work()
    times.push(performance.now() - from)
    if (times.length >= 3 && performance.now() - start > budgetMs) break
  }
  return summary(times)
}

export function summary(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b)
  return { best: sorted[0], median: sorted[Math.floor((sorted.length - 1) / 2)] }
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** One JSON line, and the process ends: devices may hold threads. */
export function finish(line: object): never {
  console.log(JSON.stringify(line))
  return process.exit(0)
}
