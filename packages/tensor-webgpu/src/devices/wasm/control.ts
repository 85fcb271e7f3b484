// The first bytes of the memory, through which the calling thread and the workers agree on work. Word indices of an Int32Array at address 0.
// The state word holds the job's number in its upper 20 bits and the next chunk to take in its lower 12, so that taking a chunk is one
// compare-and-swap that fails if the job has changed meanwhile.

export const STATE = 0
/** Chunks finished in this job. */
export const DONE = 16
/** Workers asleep on the state word. */
export const SLEEPING = 32
export const STOP = 33
/** A kernel threw in a worker. */
export const FAILED = 34

/** The job: written only while no chunk can be taken. */
export const JOB_MODULE = 48
/** Tells a module from an earlier one in the same slot. */
export const JOB_SERIAL = 56
export const JOB_FUNCTION = 49
export const JOB_FRAME = 50
export const JOB_UNITS = 51
export const JOB_CHUNK = 52
export const JOB_CHUNKS = 53
export const JOB_SCRATCH = 54
export const JOB_SCRATCH_BYTES = 55

/** Address and length of each module's bytes: workers compile what they have not seen yet. */
export const MODULES = 64
export const MODULE_WORDS = 2
export const MAX_MODULES = 8000

export const CONTROL_BYTES = 65536
export const CHUNK_BITS = 12
export const NO_CHUNK = (1 << CHUNK_BITS) - 1

export const align64 = (bytes: number): number => Math.ceil(bytes / 64) * 64
