// Starts the page: the language first, so that no text is ever shown in the wrong one.
import { mount } from 'svelte'
import App from './App.svelte'
import { startLanguage } from './language/language.svelte.ts'
import { Session } from './run/session.svelte.ts'
import './page.css'

startLanguage()
const page = document.getElementById('page')
if (page === null) throw new Error('main: the document must have an element #page, got none')
page.replaceChildren()
const session = new Session(new URLSearchParams(location.search))
mount(App, { target: page, props: { session } })

window.abovo = { logits: prompt => session.logits(prompt) }
