// The page's language: from the address (?lang=ko), else as chosen last time, else the browser's. It changes without a reload, so that a run goes on.
import { isLocale, overwriteGetLocale, type Locale } from '../../dist/messages/runtime.js'

export type Language = Locale

const KEY = 'ab-ovo-language'

const language = $state<{ current: Language }>({ current: 'en' })

export const currentLanguage = (): Language => language.current

export function startLanguage(): void {
  // messages read the state, so every text follows it
  overwriteGetLocale(() => language.current)
  show(inAddress() ?? remembered() ?? preferred())
}

export function chooseLanguage(choice: Language): void {
  show(choice)
  remember(choice)
  const address = new URL(location.href)
  if (!address.searchParams.has('lang')) return
  address.searchParams.set('lang', choice)
  history.replaceState(null, '', address)
}

function show(choice: Language): void {
  language.current = choice
  document.documentElement.lang = choice
}

function inAddress(): Language | null {
  const asked = new URLSearchParams(location.search).get('lang')
  return isLocale(asked) ? asked : null
}

function preferred(): Language {
  return navigator.languages.map(tag => tag.slice(0, 2)).find(tag => isLocale(tag)) ?? 'en'
}

function remembered(): Language | null {
  try {
    const stored = localStorage.getItem(KEY)
    return isLocale(stored) ? stored : null
  } catch {
    // storage may be forbidden
    return null
  }
}

function remember(choice: Language): void {
  try {
    localStorage.setItem(KEY, choice)
  } catch {
    // the choice then lasts as long as the page
  }
}
