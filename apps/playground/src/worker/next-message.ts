// A pause in which waiting messages are taken in; setTimeout would cost 4 ms after a few turns.
const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []
port1.onmessage = () => waiting.shift()?.()

export function nextMessage(): Promise<void> {
  return new Promise(resolve => {
    waiting.push(resolve)
    port2.postMessage(null)
  })
}
