// The patterns that have scanners.
import { CL100K_PATTERN, QWEN2_PATTERN, scanCl100k, scanQwen2 } from './cl100k.ts'
import { GPT2_PATTERN, scanGpt2 } from './gpt2.ts'
import { O200K_PATTERN, scanO200k } from './o200k.ts'
import { type Splitter, scanning } from './splitter.ts'

export const gpt2Splitter: Splitter = /* @__PURE__ */ scanning(GPT2_PATTERN, scanGpt2)
export const cl100kSplitter: Splitter = /* @__PURE__ */ scanning(CL100K_PATTERN, scanCl100k)
export const o200kSplitter: Splitter = /* @__PURE__ */ scanning(O200K_PATTERN, scanO200k)
export const qwen2Splitter: Splitter = /* @__PURE__ */ scanning(QWEN2_PATTERN, scanQwen2)
