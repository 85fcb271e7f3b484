// WGSL functions that shaders call where the built-in one is missing, too inexact, or undefined on NaN and infinity.
// Templates: {f} {i} {u} {b} are the float, integer, unsigned and bool types of the wanted width, {n} its suffix ('' or '4').
import { typeName, type Width } from './value.js'

interface PreludeFunction {
  readonly needs: readonly string[]
  readonly text: string
}

const define = (needs: readonly string[], text: string): PreludeFunction => ({ needs, text })

function threefryText(): string {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
  const keys = ['key0', 'key1', 'key2']
  const lines = ['fn threefry{n}(key0: {u}, key1: {u}, counter: {u}) -> {u} {', '  let key2 = key0 ^ key1 ^ {u}(0x1bd11bdau);', '  var x0 = counter + key0;', '  var x1 = key1;']
  for (let block = 0; block < 5; block++) {
    for (let round = 0; round < 4; round++) {
      const r = rotations[(block % 2) * 4 + round]
      lines.push(`  x0 += x1; x1 = ((x1 << {u}(${r}u)) | (x1 >> {u}(${32 - r}u))) ^ x0;`)
    }
    lines.push(`  x0 += ${keys[(block + 1) % 3]}; x1 += ${keys[(block + 2) % 3]} + ${block + 1}u;`)
  }
  return [...lines, '  return x0;', '}'].join('\n')
}

// WGSL lets a compiler assume that no value is NaN or infinite, so `x != x` is false: both are recognised by their bits.
const functions: Record<string, PreludeFunction> = {
  isNan: define([], 'fn isNan{n}(x: {f}) -> {b} { return (bitcast<{u}>(x) & {u}(0x7fffffffu)) > {u}(0x7f800000u); }'),
  isFinite: define([], 'fn isFinite{n}(x: {f}) -> {b} { return (bitcast<{u}>(x) & {u}(0x7f800000u)) != {u}(0x7f800000u); }'),
  keepNan: define(['isNan'], 'fn keepNan{n}(x: {f}, result: {f}) -> {f} { return select(result, x, isNan{n}(x)); }'),
  maxFloat: define(['isNan'], 'fn maxFloat{n}(a: {f}, b: {f}) -> {f} { return select(select(max(a, b), b, isNan{n}(b)), a, isNan{n}(a)); }'),
  minFloat: define(['isNan'], 'fn minFloat{n}(a: {f}, b: {f}) -> {f} { return select(select(min(a, b), b, isNan{n}(b)), a, isNan{n}(a)); }'),

  // Cephes logf: log(1 + m) on [sqrt(1/2) - 1, sqrt(2) - 1] as m + tail.
  logTail: define([], `fn logTail{n}(m: {f}) -> {f} {
  var p = fma({f}(7.0376836292e-2), m, {f}(-1.1514610310e-1));
  p = fma(p, m, {f}(1.1676998740e-1));
  p = fma(p, m, {f}(-1.2420140846e-1));
  p = fma(p, m, {f}(1.4249322787e-1));
  p = fma(p, m, {f}(-1.6668057665e-1));
  p = fma(p, m, {f}(2.0000714765e-1));
  p = fma(p, m, {f}(-2.4999993993e-1));
  p = fma(p, m, {f}(3.3333331174e-1));
  return m * m * (p * m - 0.5);
}`),
  naturalLog: define(['logTail'], `fn naturalLog{n}(x: {f}) -> {f} {
  let bits = bitcast<{u}>(x);
  let shifted = bits + {u}(0x004afb0du); // so that the mantissa below lies in [sqrt(1/2), sqrt(2))
  let exponent = {f}({i}(shifted >> {u}(23u)) - {i}(127));
  let m = bitcast<{f}>((shifted & {u}(0x007fffffu)) + {u}(0x3f3504f3u)) - 1.0;
  let normal = fma(exponent, {f}(0.693359375), m + fma(exponent, {f}(-2.12194440e-4), logTail{n}(m)));
  var edge = bitcast<{u}>(log(x));
  edge = select(edge, bits, bits >= {u}(0x7f800000u));
  edge = select(edge, {u}(0x7fc00000u), bits > {u}(0x80000000u));
  edge = select(edge, {u}(0xff800000u), (bits << {u}(1u)) == {u}(0u));
  return select(bitcast<{f}>(edge), normal, (bits - {u}(0x00800000u)) < {u}(0x7f000000u));
}`),
  log1p: define(['logTail', 'naturalLog'], `fn log1p{n}(x: {f}) -> {f} {
  return select(naturalLog{n}(1.0 + x), x + logTail{n}(x), (x > {f}(-0.29)) & (x < {f}(0.41)));
}`),
  // On SwiftShader the built-in exp(NaN) is infinity.
  exponential: define(['keepNan'], 'fn exponential{n}(x: {f}) -> {f} { return keepNan{n}(x, exp(x)); }'),
  expm1: define(['exponential'], `fn expm1{n}(x: {f}) -> {f} {
  var p = fma(x, {f}(2.48015873e-5), {f}(1.98412698e-4));
  p = fma(p, x, {f}(1.38888889e-3));
  p = fma(p, x, {f}(8.33333333e-3));
  p = fma(p, x, {f}(4.16666667e-2));
  p = fma(p, x, {f}(1.66666667e-1));
  p = fma(p, x, {f}(0.5));
  return select(exponential{n}(x) - 1.0, fma(p * x, x, x), abs(x) < {f}(0.5));
}`),
  // The built-in tanh is NaN at 100 on SwiftShader and off by 5e-5 (relative) near zero. Cephes tanhf.
  stableTanh: define(['keepNan'], `fn stableTanh{n}(x: {f}) -> {f} {
  let z = x * x;
  var p = fma(z, {f}(-5.70498872745e-3), {f}(2.06390887954e-2));
  p = fma(p, z, {f}(-5.37397155531e-2));
  p = fma(p, z, {f}(1.33314422036e-1));
  p = fma(p, z, {f}(-3.33332819422e-1));
  let far = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), {f}(10.0))) + 1.0));
  return keepNan{n}(x, select(far, fma(p * z, x, x), abs(x) < {f}(0.625)));
}`),
  sigmoid: define(['keepNan'], 'fn sigmoid{n}(x: {f}) -> {f} { return keepNan{n}(x, 1.0 / (1.0 + exp(min(-x, {f}(88.0))))); }'),
  // log(erfc(t)) for t > 0.93; this and erfNear are minimax polynomials within 1 ULP (N. Juffa).
  logErfc: define([], `fn logErfc{n}(t: {f}) -> {f} {
  let s = t * t;
  var r = fma({f}(-1.72853470e-5), t, {f}(3.83197126e-4));
  let u = fma({f}(-3.88396438e-3), t, {f}(2.42546219e-2));
  r = fma(r, s, u);
  r = fma(r, t, {f}(-1.06777877e-1));
  r = fma(r, t, {f}(-6.34846687e-1));
  r = fma(r, t, {f}(-1.28717512e-1));
  return fma(r, t, -t);
}`),
  erfNear: define([], `fn erfNear{n}(x: {f}) -> {f} {
  let s = x * x;
  var r = fma({f}(-5.96761703e-4), s, {f}(4.99119423e-3));
  r = fma(r, s, {f}(-2.67681349e-2));
  r = fma(r, s, {f}(1.12819925e-1));
  r = fma(r, s, {f}(-3.76125336e-1));
  r = fma(r, s, {f}(1.28379166e-1));
  return fma(r, x, x);
}`),
  erf: define(['logErfc', 'erfNear', 'keepNan'], `fn erf{n}(x: {f}) -> {f} {
  let t = min(abs(x), {f}(8.0));
  return keepNan{n}(x, select(sign(x) * (1.0 - exp(logErfc{n}(t))), erfNear{n}(x), t < {f}(0.927734375)));
}`),
  normalCdf: define(['logErfc', 'erfNear', 'keepNan'], `fn normalCdf{n}(x: {f}) -> {f} {
  let z = x * 0.70710678;
  let t = min(abs(z), {f}(10.0));
  let tail = 0.5 * exp(logErfc{n}(t));
  return keepNan{n}(x, select(select(1.0 - tail, tail, x < {f}(0.0)), 0.5 + 0.5 * erfNear{n}(z), t < {f}(0.927734375)));
}`),
  geluDerivative: define(['normalCdf'], `fn geluDerivative{n}(x: {f}) -> {f} {
  let near = clamp(x, {f}(-20.0), {f}(20.0));
  return normalCdf{n}(x) + near * 0.39894228 * exp(-0.5 * near * near);
}`),
  // 0.5 (1 + tanh(u)) is sigmoid(2u), which loses nothing where tanh is near -1.
  geluTanhCdf: define([], 'fn geluTanhCdf{n}(x: {f}) -> {f} { return 1.0 / (1.0 + exp(min(-1.5957691 * (x + 0.044715 * x * x * x), {f}(88.0)))); }'),
  geluTanh: define(['geluTanhCdf', 'keepNan'], 'fn geluTanh{n}(x: {f}) -> {f} { return keepNan{n}(x, x * geluTanhCdf{n}(x)); }'),
  geluTanhDerivative: define(['geluTanhCdf', 'keepNan'], `fn geluTanhDerivative{n}(x: {f}) -> {f} {
  let near = clamp(x, {f}(-20.0), {f}(20.0));
  let cdf = geluTanhCdf{n}(near);
  return keepNan{n}(x, cdf + 1.5957691 * near * cdf * (1.0 - cdf) * (1.0 + 0.134145 * near * near));
}`),
  // Cody-Waite reduction by pi/2 in parts short enough to be exact without a fused multiply, then Cephes polynomials: the built-in ones may be
  // off by 2^-11. Good to |x| of some thousands.
  sine: define([], `fn sine{n}(x: {f}, quarterTurns: i32) -> {f} {
  let turns = round(x * 0.63661977);
  var r = fma(turns, {f}(-1.5703125), x);
  r = fma(turns, {f}(-4.837512969970703125e-4), r);
  r = fma(turns, {f}(-7.54978995489188e-8), r);
  let quadrant = {i}(turns) + quarterTurns;
  let s = r * r;
  let sinPart = fma(r * s, fma(fma(s, {f}(-1.95152959e-4), {f}(8.33216087e-3)), s, {f}(-1.66666546e-1)), r);
  let cosPart = fma(s * s, fma(fma(s, {f}(2.44331571e-5), {f}(-1.38873163e-3)), s, {f}(4.16666457e-2)), 1.0 - 0.5 * s);
  let unsigned = select(sinPart, cosPart, (quadrant & {i}(1)) != {i}(0));
  return select(unsigned, -unsigned, (quadrant & {i}(2)) != {i}(0));
}`),
  floatPow: define(['naturalLog', 'keepNan'], `fn floatPow{n}(a: {f}, b: {f}) -> {f} {
  let zero = abs(a) == {f}(0.0);
  let magnitude = exp(b * naturalLog{n}(select(abs(a), {f}(1.0), zero)));
  let whole = b == floor(b);
  let odd = whole & (abs(b) < {f}(16777216.0)) & (({i}(b) & {i}(1)) != {i}(0));
  var bits = bitcast<{u}>(select(magnitude, -magnitude, odd & (a < {f}(0.0))));
  bits = select(bits, {u}(0x7fc00000u), (a < {f}(0.0)) & !whole);
  bits = select(bits, select({u}(0x7f800000u), {u}(0u), b > {f}(0.0)), zero);
  return select(keepNan{n}(b, keepNan{n}(a, bitcast<{f}>(bits))), {f}(1.0), b == {f}(0.0));
}`),
  intPow: define([], `fn intPow{n}(a: {i}, b: {i}) -> {i} {
  var result = {i}(1);
  var power = a;
  for (var bit = 0u; bit < 31u; bit += 1u) {
    result = select(result, result * power, ((b >> {u}(bit)) & {i}(1)) != {i}(0));
    power *= power;
  }
  let fraction = select({i}(0), select({i}(1), a, (b & {i}(1)) != {i}(0)), abs(a) == {i}(1));
  return select(result, fraction, b < {i}(0));
}`),
  intDiv: define([], 'fn intDiv{n}(a: {i}, b: {i}) -> {i} { return select(a / select(b, {i}(1), b == {i}(0)), {i}(0), b == {i}(0)); }'),
  uintDiv: define([], 'fn uintDiv{n}(a: {u}, b: {u}) -> {u} { return select(a / max(b, {u}(1u)), {u}(0u), b == {u}(0u)); }'),
  intMod: define([], `fn intMod{n}(a: {i}, b: {i}) -> {i} {
  let r = a % select(b, {i}(1), b == {i}(0));
  return select(r, r + b, (r != {i}(0)) & ((r < {i}(0)) != (b < {i}(0))));
}`),
  uintMod: define([], 'fn uintMod{n}(a: {u}, b: {u}) -> {u} { return a % max(b, {u}(1u)); }'),
  threefry: define([], threefryText()),
}

export type PreludeName = keyof typeof functions

/** The functions that one shader needs, each once and after those it calls. */
export class Prelude {
  readonly #texts = new Map<string, string>()

  /** The name under which to call `name` at that width. */
  use(name: string, width: Width): string {
    const suffix = width === 1 ? '' : '4'
    const key = `${name}${suffix}`
    if (!this.#texts.has(key)) {
      const { needs, text } = functions[name]
      for (const need of needs) this.use(need, width)
      const types: Record<string, string> = { f: typeName('f32', width), i: typeName('i32', width), u: typeName('u32', width), b: typeName('bool', width), n: suffix }
      this.#texts.set(key, text.replace(/\{([fiubn])\}/g, (_, letter: string) => types[letter]))
    }
    return key
  }

  /** Bits of a float that WGSL cannot write down: read from a variable, so that no compiler sees an infinite constant. */
  special(value: number): string {
    const [name, bits] = Number.isNaN(value) ? ['nanBits', '0x7fc00000u'] : value > 0 ? ['infinityBits', '0x7f800000u'] : ['minusInfinityBits', '0xff800000u']
    this.#texts.set(name, `// a variable: as a constant this float would be refused\nvar<private> ${name}: u32 = ${bits};`)
    return `bitcast<f32>(${name})`
  }

  /** What stands before the shader's own function; it ends in an empty line. */
  get text(): string {
    return [...this.#texts.values(), ''].map(text => `${text}\n`).join('')
  }
}
