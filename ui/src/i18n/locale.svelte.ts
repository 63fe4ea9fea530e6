// The window's language: a rune that every message reads, so that a change shows at once and nothing reloads.

import type { Language } from '../ipc/client'
import { overwriteGetLocale } from './generated/runtime.js'

let language = $state<Language>('system')

/** The language that messages are in. */
export function locale(): 'en' | 'de' {
  if (language !== 'system') return language
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en'
}

/** Sets the language of the window. */
export function setLanguage(to: Language): void {
  language = to
}

overwriteGetLocale(locale)
