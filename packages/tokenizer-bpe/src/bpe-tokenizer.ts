// Byte-level BPE that can be written as a tokenizer.json. Without normalizers and templates; files that have those open as
// pipelines (pipeline/).
import { ByteBpe } from './byte-bpe.ts'
import { writeTokenizerJson } from './formats/write-tokenizer-json.ts'
import type { Tokenizer } from './tokenizer.ts'

export class BpeTokenizer extends ByteBpe implements Tokenizer {
  /** A Hugging Face tokenizer.json, as an object for JSON.stringify. */
  toJSON(): object {
    return writeTokenizerJson(this)
  }
}
