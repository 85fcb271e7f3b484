// How far results are from PyTorch's, and whether that is near enough.

export interface Pair {
  readonly name: string
  readonly kind: 'output' | 'gradient'
  readonly got: ArrayLike<number>
  readonly expected: ArrayLike<number>
}

/** An element is right if it is near enough absolutely or relatively. */
export interface Tolerance {
  readonly absolute: number
  readonly relative: number
}

export interface Report {
  /** Largest difference of an output's element. */
  readonly maxAbs: number
  /** Largest difference of a gradient's element, as a share of that gradient's largest element. */
  readonly maxRelGrad: number
  /** The first element that is wrong, if any. */
  readonly wrong: string | null
}

export function compare(pairs: readonly Pair[], { absolute, relative }: Tolerance): Report {
  let maxAbs = 0
  let maxRelGrad = 0
  let wrong: string | null = null
  for (const { name, kind, got, expected } of pairs) {
    if (got.length !== expected.length) return { maxAbs: NaN, maxRelGrad: NaN, wrong: `${name}: ${got.length} elements instead of ${expected.length}` }
    const largest = Array.from(expected, Math.abs).reduce((a, b) => Math.max(a, b), 0)
    for (let i = 0; i < got.length; i++) {
      const difference = Math.abs(got[i] - expected[i])
      const near = difference <= absolute || difference <= relative * Math.abs(expected[i])
      if (!near) wrong ??= `${name}[${i}]: ${got[i]} instead of ${expected[i]}`
      if (kind === 'output') maxAbs = largerOf(maxAbs, difference)
      else maxRelGrad = largerOf(maxRelGrad, largest === 0 ? difference : difference / largest)
    }
  }
  return { maxAbs, maxRelGrad, wrong }
}

/** NaN wins. */
const largerOf = (a: number, b: number): number => (b > a || Number.isNaN(b) ? b : a)
