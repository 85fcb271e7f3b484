// Where Dawn finds software Vulkan drivers. The dynamic loader reads these variables when a process starts, so whoever
// spawns vitest or a benchmark sets them; plain JavaScript, because that is before any TypeScript can run.

/** @returns {Record<string, string>} */
export function softwareEnvironment() {
  return {}
}
