import { beforeEach, expect, it, vi } from 'vitest'
vi.stubEnv('TZ', 'Europe/Berlin')
import { overwriteGetLocale } from '../src/i18n/generated/runtime.js'
import { clock, clockMillis, clockSeconds, HOUR_US } from '../src/i18n/time'

beforeEach(() => overwriteGetLocale(() => 'de'))

// 2026-10-25 02:30 comes twice: at 00:30 and at 01:30 UTC.
const first = Date.UTC(2026, 9, 25, 0, 30) * 1000

it('the hour that comes twice in autumn names its zone, and no other does', () => {
  expect([first - HOUR_US, first, first + HOUR_US, first + 2 * HOUR_US].map(clock)).toEqual(['01:30', '02:30 MESZ', '02:30 MEZ', '03:30'])
  expect([clockSeconds(first), clockMillis(first)]).toEqual(['02:30:00 MESZ', '02:30:00.000 MESZ'])
  // In spring an hour is missing; none is in doubt.
  const spring = Date.UTC(2026, 2, 29, 0, 30) * 1000
  expect([spring, spring + HOUR_US].map(clock)).toEqual(['01:30', '03:30'])
})
