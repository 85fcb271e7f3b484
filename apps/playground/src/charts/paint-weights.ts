// Paints attention weights into a canvas of one pixel a weight, in the canvas's own text colour.

export function paintWeights(canvas: HTMLCanvasElement, { weights, size }: { weights: Float32Array; size: number }): void {
  const context = canvas.getContext('2d')
  if (context === null || size === 0 || weights.length < size * size) return
  const [red, green, blue] = colourOf(canvas)
  const image = context.createImageData(size, size)
  for (let i = 0; i < size * size; i++) {
    // the square root lifts small weights into sight
    image.data.set([red, green, blue, Math.round(255 * Math.sqrt(weights[i]))], 4 * i)
  }
  context.putImageData(image, 0, 0)
}

/** Which query (row) and key (column) a pointer is at. */
export function cellAt({ clientX, clientY }: PointerEvent, canvas: Element, size: number): { query: number; key: number } {
  const { left, top, width, height } = canvas.getBoundingClientRect()
  const cell = (from: number, length: number): number => Math.max(0, Math.min(size - 1, Math.floor((from / length) * size)))
  return { query: cell(clientY - top, height), key: cell(clientX - left, width) }
}

function colourOf(element: Element): number[] {
  const parts = getComputedStyle(element).color.match(/[\d.]+/g)?.slice(0, 3).map(Number) ?? []
  return parts.length === 3 ? parts : [15, 106, 90]
}
