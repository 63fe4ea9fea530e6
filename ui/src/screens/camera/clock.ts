// How far a camera's clock is off, in words.

import { m } from '../../i18n/generated/messages.js'
import { getLocale } from '../../i18n/generated/runtime.js'

/** Seconds to the tenth, or whole ones from ten on. */
export function seconds(ms: number): string {
  const s = Math.abs(ms) / 1000
  return s.toLocaleString(getLocale(), { maximumFractionDigits: s < 10 ? 1 : 0 })
}

/** How far the clock is off. */
export function clockSentence(offsetMs: number | null): string {
  if (offsetMs === null) return m.dev_clock_unknown()
  if (Math.abs(offsetMs) < 100) return m.dev_clock_right()
  return offsetMs > 0 ? m.dev_clock_ahead({ seconds: seconds(offsetMs) }) : m.dev_clock_behind({ seconds: seconds(offsetMs) })
}
