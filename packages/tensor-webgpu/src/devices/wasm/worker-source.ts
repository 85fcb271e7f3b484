// The program of a worker thread, as text: it must run where no file of this package can be found. It takes chunks of the current job
// (control.ts) until there are none, spins for a moment since the next kernel is usually close, and then sleeps.
import {
  DONE, FAILED, JOB_CHUNK, JOB_CHUNKS, JOB_FRAME, JOB_FUNCTION, JOB_MODULE, JOB_SCRATCH, JOB_SCRATCH_BYTES, JOB_SERIAL, JOB_UNITS, MODULE_WORDS, MODULES,
  NO_CHUNK, SLEEPING, STATE, STOP,
} from './control.js'

/** About 50 µs. */
const SPINS = 4000

const work = `
function work(memory, thread) {
  const words = new Int32Array(memory.buffer, 0, ${MODULES})
  const host = { memory, sin: Math.sin, cos: Math.cos, pow: Math.pow }
  const modules = []
  const load = slot => {
    const [start, length] = new Uint32Array(memory.buffer, 4 * (${MODULES} + ${MODULE_WORDS} * slot), 2)
    // another thread's growth shows here only after this thread's next check for interrupts
    while (memory.buffer.byteLength < start + length);
    const bytes = new Uint8Array(memory.buffer, start, length).slice()
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { host }).exports
  }
  const run = chunk => {
    const slot = words[${JOB_MODULE}]
    const serial = words[${JOB_SERIAL}]
    if (modules[slot]?.serial !== serial) modules[slot] = { serial, kernels: load(slot) }
    const { kernels } = modules[slot]
    const begin = chunk * words[${JOB_CHUNK}]
    const end = Math.min(begin + words[${JOB_CHUNK}], words[${JOB_UNITS}])
    const scratch = words[${JOB_SCRATCH}] + thread * words[${JOB_SCRATCH_BYTES}]
    kernels['k' + words[${JOB_FUNCTION}]](words[${JOB_FRAME}], scratch, begin, end)
  }
  let spins = 0
  while (Atomics.load(words, ${STOP}) === 0) {
    const state = Atomics.load(words, ${STATE})
    const chunk = state & ${NO_CHUNK}
    const chunks = Atomics.load(words, ${JOB_CHUNKS})
    if (chunk !== ${NO_CHUNK} && chunk < chunks) {
      if (Atomics.compareExchange(words, ${STATE}, state, state + 1) !== state) continue
      spins = 0
      try { run(chunk) } catch { Atomics.store(words, ${FAILED}, 1) }
      if (Atomics.add(words, ${DONE}, 1) + 1 === chunks) Atomics.notify(words, ${DONE})
    } else if (++spins > ${SPINS}) {
      spins = 0
      Atomics.add(words, ${SLEEPING}, 1)
      Atomics.wait(words, ${STATE}, state)
      Atomics.sub(words, ${SLEEPING}, 1)
    }
  }
}
`

/** For `worker_threads`. */
export const nodeWorkerSource = `${work}
const { parentPort, workerData } = require('node:worker_threads')
parentPort.postMessage('ready')
work(workerData.memory, workerData.thread)
`

/** For `Worker`: the memory comes with the first message. */
export const webWorkerSource = `${work}
onmessage = ({ data }) => {
  postMessage('ready')
  work(data.memory, data.thread)
}
`

