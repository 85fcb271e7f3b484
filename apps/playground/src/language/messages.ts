// The page's words, compiled by paraglide from messages/*.json.
export { m } from '../../dist/messages/messages.js'
