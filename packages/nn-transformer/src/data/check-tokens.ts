// Token ids are checked on the host: devices clamp an index that is out of range, and say nothing.
import { DataError } from '../errors.js'

/** @throws DataError naming the first id that is no integer in [0, vocabSize). */
export function checkTokens(where: string, ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++)
    if (!(Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize))
      throw new DataError(`${where}: token ids must be integers below the vocabulary size ${vocabSize}, got ${ids[i]} at ${i}; does the tokenizer belong to the model?`)
}
