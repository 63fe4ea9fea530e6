import { beforeEach, describe, expect, it } from 'vitest'
import { overwriteGetLocale } from '../src/i18n/generated/runtime.js'
import {
  ago,
  amount,
  clockMillis,
  dateTimeField,
  day,
  dayStart,
  fieldTime,
  HOUR_US,
  MINUTE_US,
  secondsLeft,
  shortDay,
  span,
  until,
} from '../src/i18n/time'

const at = (text: string) => new Date(text).getTime() * 1000
const now = at('2026-11-22T15:00:00')

beforeEach(() => overwriteGetLocale(() => 'en'))

describe('times in words', () => {
  it('names today, yesterday and other days', () => {
    expect(day(at('2026-11-22T00:00:01'), now)).toBe('Today')
    expect(day(at('2026-11-21T23:59:59'), now)).toBe('Yesterday')
    expect(day(at('2026-11-30T18:00:00'), now)).toBe('Mon 30 Nov')
    expect(shortDay(at('2025-11-30T18:00:00'), now)).toContain('2025')
  })
  it('says until when', () => {
    expect(until(at('2026-11-30T18:00:00'), now)).toBe('Mon 30 Nov, 18:00')
    expect(until(null, now)).toBe('until taken back')
  })
  it('speaks German', () => {
    overwriteGetLocale(() => 'de')
    expect(day(at('2026-11-21T12:00:00'), now)).toBe('Gestern')
    expect(until(null, now)).toBe('bis auf Widerruf')
    expect(ago(now - 2 * MINUTE_US, now)).toBe('vor 2 min')
  })
  it('writes milliseconds with three digits', () => {
    expect(clockMillis(at('2026-11-22T14:37:12') + 48_000)).toBe('14:37:12.048')
  })
  it('measures spans', () => {
    expect(span(60_000_000)).toBe('60 s')
    expect(span(4 * MINUTE_US + 10_000_000)).toBe('4 min 10 s')
    expect(span(2 * HOUR_US + 5 * MINUTE_US)).toBe('2 h 5 min')
    expect(span(-5)).toBe('0 s')
  })
  it('says how long ago', () => {
    expect(ago(now - 10_000_000, now)).toBe('just now')
    expect(ago(now - 3 * HOUR_US, now)).toBe('3 h ago')
    expect(ago(now - 30 * HOUR_US, now)).toBe('yesterday 09:00')
  })
  it('counts down to zero and no further', () => {
    expect(secondsLeft(now + 7_500_000, now)).toBe(8)
    expect(secondsLeft(now - 1, now)).toBe(0)
  })
  it('groups long numbers', () => {
    expect(amount(1234)).toBe('1234')
    expect(amount(18_231)).toBe('18\u202f231')
    expect(amount(1_000_000)).toBe('1\u202f000\u202f000')
  })
  it('goes to fields and back', () => {
    expect(fieldTime(dateTimeField(now))).toBe(now)
    expect(fieldTime('2026-11-22')).toBe(dayStart(now))
    expect(fieldTime('')).toBeNull()
  })
})
