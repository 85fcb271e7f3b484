// The iterator methods of ES2025 that jax-js uses and Node 20 lacks.
const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
const methods = {
  *map(fn) {
    let i = 0
    for (const value of this) yield fn(value, i++)
  },
  *filter(fn) {
    let i = 0
    for (const value of this) if (fn(value, i++)) yield value
  },
  toArray() {
    return [...this]
  },
  some(fn) {
    return [...this].some((value) => fn(value))
  },
  every(fn) {
    return [...this].every((value) => fn(value))
  },
  find(fn) {
    return [...this].find((value) => fn(value))
  },
  forEach(fn) {
    for (const value of this) fn(value)
  },
  reduce(fn, ...initial) {
    return [...this].reduce(fn, ...initial)
  },
}
for (const [name, value] of Object.entries(methods)) if (!(name in prototype)) Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
