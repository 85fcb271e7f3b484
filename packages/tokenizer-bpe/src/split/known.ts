// The splitters of the patterns that have scanners.
import { UNICODE_CLASS_RUNS } from '../text/unicode-classes.generated.ts'
import { scanCl100k, scanQwen2 } from './cl100k.ts'
import { scanGpt2 } from './gpt2.ts'
import { scanO200k } from './o200k.ts'
import { CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN, QWEN2_PATTERN } from './patterns.ts'
import { type Splitter, scanning } from './splitter.ts'

export const gpt2Splitter: Splitter = /* @__PURE__ */ scanning(GPT2_PATTERN, scanGpt2, 'gpt2', UNICODE_CLASS_RUNS)
export const cl100kSplitter: Splitter = /* @__PURE__ */ scanning(CL100K_PATTERN, scanCl100k, 'cl100k', UNICODE_CLASS_RUNS)
export const o200kSplitter: Splitter = /* @__PURE__ */ scanning(O200K_PATTERN, scanO200k, 'o200k', UNICODE_CLASS_RUNS)
export const qwen2Splitter: Splitter = /* @__PURE__ */ scanning(QWEN2_PATTERN, scanQwen2, 'qwen2', UNICODE_CLASS_RUNS)
