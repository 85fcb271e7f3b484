// Where choices are kept from one session to the next, as tuning asks it. Which store a host has is host-store.ts.

/** Texts by adapter. A store that cannot be read or written behaves as an empty one: tuning is only ever a matter of speed. */
export interface TuningStore {
  load(adapter: string): Promise<string | null>
  save(adapter: string, text: string): Promise<void>
}
