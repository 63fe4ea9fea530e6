// How far a camera's clock is off, in words.

import { m } from '../../i18n/generated/messages.js'
import { getLocale } from '../../i18n/generated/runtime.js'

/** Cameras tell their time in whole seconds: below this, what they are off by cannot be seen. */
const SEEN_MS = 1500

/** Whether the clock is as right as can be seen from here. */
export function isRight(offsetMs: number | null): boolean {
  return offsetMs === null || Math.abs(offsetMs) < SEEN_MS
}

/** Whole seconds. */
export function seconds(ms: number): string {
  return Math.round(Math.abs(ms) / 1000).toLocaleString(getLocale())
}

/** How far the clock is off. */
export function clockSentence(offsetMs: number | null): string {
  if (offsetMs === null) return m.dev_clock_unknown()
  if (isRight(offsetMs)) return m.dev_clock_right()
  return offsetMs > 0 ? m.dev_clock_ahead({ seconds: seconds(offsetMs) }) : m.dev_clock_behind({ seconds: seconds(offsetMs) })
}
