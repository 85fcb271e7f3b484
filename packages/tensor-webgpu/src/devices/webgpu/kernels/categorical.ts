// Drawing a class from a row of logits, a workgroup for each. No sort: the cuts are one threshold, found by halving the range of floats that it can
// lie in; each round counts the classes above it and adds up their weights, all invocations together, always in the same order.
import type { Access, CategoricalKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { StorageArrays } from '../wgsl/access.js'
import { foldWorkgroups, loopStart, workgroupNumber, type GpuProgram } from './gpu-program.js'

/** Floats by their bits to integers in the same order, and back: those of negative ones are turned round. */
const ORDER = `fn ordered(bits: i32) -> i32 { return bits ^ ((bits >> 31u) & 0x7fffffffi); }
fn float(place: i32) -> f32 { return bitcast<f32>(ordered(place)); }
`

/** A sum of pairs and a maximum over the workgroup, known to all of it. */
const meet = (group: number): string => `var<workgroup> pairs: array<vec2f, ${group}>;
var<workgroup> counts: array<u32, ${group}>;
var<workgroup> isCut: u32;
var<workgroup> chosen: u32;

fn joined(local: u32, own: vec2f) -> vec2f {
  pairs[local] = own;
  workgroupBarrier();
  for (var half = ${Math.floor(group / 2)}u; half > 0u; half /= 2u) {
    if (local < half) { pairs[local] += pairs[local + half]; }
    workgroupBarrier();
  }
  let all = pairs[0];
  workgroupBarrier();
  return all;
}

fn highest(local: u32, own: f32) -> f32 {
  pairs[local].x = own;
  workgroupBarrier();
  for (var half = ${Math.floor(group / 2)}u; half > 0u; half /= 2u) {
    if (local < half) { pairs[local].x = max(pairs[local].x, pairs[local + half].x); }
    workgroupBarrier();
  }
  let all = pairs[0].x;
  workgroupBarrier();
  return all;
}
`

/** Invocations that share a row: a power of two. */
function groupOf(size: number, { software, maxInvocations }: GpuTraits): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, Math.min(software ? 16 : 256, maxInvocations, size))))
}

export function categoricalProgram(kernel: CategoricalKernel, traits: GpuTraits): GpuProgram | null {
  const { rows, size, bindings, logits } = kernel
  if (rows === 0) return null
  const group = groupOf(size, traits)
  const workgroups = foldWorkgroups(rows, traits.maxWorkgroups)
  const arrays = new StorageArrays(bindings, new Set())
  const place = ({ binding, offset, strides: [stride] }: Access): string => `${arrays.name(binding)}[${stride === 0 ? '' : `row * ${stride >>> 0}u + `}${offset}u]`
  const weight = (logit: string): string => `exp((${logit} - largest) * scale)`
  const strided = `for (var i = local; i < ${size}u; i += ${group}u)`
  const share = 'for (var i = first; i < end; i += 1u)'
  const wgsl = `${arraysFirst(arrays, kernel)}
${meet(group)}${ORDER}
@compute @workgroup_size(${group})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = ${workgroupNumber(workgroups)};
${workgroups[0] * workgroups[1] > rows ? `  if (row >= ${rows}u) { return; }\n` : ''}  let start = row * ${logits.strides[0] >>> 0}u + ${logits.offset}u;
  let temperature = ${place(kernel.temperature)};
  let topK = ${place(kernel.topK)};
  let topP = ${place(kernel.topP)};
  let isGreedy = temperature == 0.0;
  let scale = 1.0 / select(temperature, 1.0, isGreedy);

  var most = -3.4e38f;
  ${strided} { most = max(most, ${arrays.name(logits.binding)}[start + i]); }
  let largest = highest(local, most);
  var nearest = -${size}f;
  ${strided} { if (${arrays.name(logits.binding)}[start + i] == largest) { nearest = max(nearest, -f32(i)); } }
  let likeliest = u32(-highest(local, nearest));
  var weights = 0.0;
  ${strided} { weights += ${weight(`${arrays.name(logits.binding)}[start + i]`)}; }
  let total = joined(local, vec2f(0.0, weights)).y;

  // the logit of the last class that is kept, and how many of those equal to it
  var threshold = -3.4e38f;
  var ties = ${size}u;
  if (local == 0u) { isCut = u32(!isGreedy && (topK < ${size}i || topP < 1.0)); }
  if (workgroupUniformLoad(&isCut) != 0u) {
    let mass = select(topP * total, 3e38f, topP >= 1.0);
    var low = ordered(bitcast<i32>(-3.4e38f));
    var high = ordered(bitcast<i32>(largest));
    for (var step = ${loopStart(traits)}; step < 32u; step += 1u) {
      let middle = low + i32(u32(high - low) >> 1u);
      let candidate = float(middle);
      var own = vec2f();
      ${strided} {
        let logit = ${arrays.name(logits.binding)}[start + i];
        if (logit > candidate) { own += vec2f(1.0, ${weight('logit')}); }
      }
      let above = joined(local, own);
      if (above.x < f32(topK) && above.y < mass) { high = middle; } else { low = middle + 1i; }
    }
    threshold = float(high);
    var own = vec2f();
    ${strided} {
      let logit = ${arrays.name(logits.binding)}[start + i];
      if (logit > threshold) { own += vec2f(1.0, ${weight('logit')}); }
    }
    let above = joined(local, own);
    let each = ${weight('threshold')};
    let byMass = select(${size}f, ceil((mass - above.y) / max(each, 1e-37f)), each > 0.0 && topP < 1.0);
    ties = u32(clamp(min(f32(topK) - above.x, byMass), 0.0, ${size}f));
  }

  // from here on each invocation has neighbouring classes, since they are taken in order
  let first = min(local * ${Math.ceil(size / group)}u, ${size}u);
  let end = min(first + ${Math.ceil(size / group)}u, ${size}u);
  var equal = 0u;
  ${share} { equal += u32(${arrays.name(logits.binding)}[start + i] == threshold); }
  counts[local] = equal;
  workgroupBarrier();
  var tiesBefore = 0u;
  for (var j = ${loopStart(traits)}; j < local; j += 1u) { tiesBefore += counts[j]; }
  var rank = tiesBefore;
  var own = 0.0;
  ${share} {
    let logit = ${arrays.name(logits.binding)}[start + i];
    let isKept = logit > threshold || (logit == threshold && rank < ties);
    rank += u32(logit == threshold);
    if (isKept) { own += ${weight('logit')}; }
  }
  pairs[local] = vec2f(own, 0.0);
  workgroupBarrier();
  var kept = 0.0;
  var before = 0.0;
  var after = 0.0;
  for (var j = ${loopStart(traits)}; j < ${group}u; j += 1u) {
    if (j == local) { before = kept; }
    if (j > local) { after += pairs[j].x; }
    kept += pairs[j].x;
  }
  let wanted = ${place(kernel.uniform)} * kept;
  if (isGreedy && local == 0u) { chosen = likeliest; }
  // where rounding keeps the running sum below what is wanted, the last class that has weight
  if (!isGreedy && own > 0.0 && wanted >= before && (wanted < before + own || after == 0.0)) {
    var sum = before;
    rank = tiesBefore;
    var isOpen = true;
    ${share} {
      let logit = ${arrays.name(logits.binding)}[start + i];
      let isKept = logit > threshold || (logit == threshold && rank < ties);
      rank += u32(logit == threshold);
      let weight = select(0.0, ${weight('logit')}, isKept);
      if (isOpen && weight > 0.0) {
        sum += weight;
        chosen = i;
        isOpen = sum <= wanted;
      }
    }
  }
  workgroupBarrier();
  if (local == 0u) {
    let logit = ${arrays.name(logits.binding)}[start + chosen];
    ${place(kernel.index)} = i32(chosen);
    ${place(kernel.logProb)} = (logit - largest) * scale - log(total);
  }
}
`
  return { variant: `categorical ${group}`, wgsl, bindings: arrays.used, workgroups }
}

/** The declarations, of all arrays. */
function arraysFirst(arrays: StorageArrays, { logits, uniform, temperature, topK, topP, index, logProb }: CategoricalKernel): string {
  for (const { binding } of [logits, uniform, temperature, topK, topP, index, logProb]) arrays.name(binding)
  return arrays.declarations
}
