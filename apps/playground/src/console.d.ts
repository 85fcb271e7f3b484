// What the page offers at the browser's console: `await abovo.logits('Call me')`.

interface Window {
  abovo: {
    /** The tokens of a prompt, and the scores of the token after it. */
    logits(prompt: string): Promise<{ readonly ids: readonly number[]; readonly logits: Float32Array }>
  }
}
