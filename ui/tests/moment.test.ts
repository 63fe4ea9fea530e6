import { describe, expect, it } from 'vitest'
import { momentOf } from '../src/i18n/moment'

// A Sunday.
const nowUs = new Date(2026, 10, 22, 15, 40, 0).getTime() * 1000
const at = (text: string) => {
  const found = momentOf(text, nowUs)
  return found && new Date(found.us / 1000)
}
const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...(parts as [number, number, number]))

describe('a time in words', () => {
  it.each([
    ['yesterday 14:30', local(2026, 10, 21, 14, 30)],
    ['gestern 14:30', local(2026, 10, 21, 14, 30)],
    ['Gestern, um 14.30 Uhr', local(2026, 10, 21, 14, 30)],
    ['vorgestern', local(2026, 10, 20)],
    ['last monday 8 pm', local(2026, 10, 16, 20)],
    ['letzten Montag 20 Uhr', local(2026, 10, 16, 20)],
    ['monday 8pm', local(2026, 10, 16, 20)],
    ['Sonntag 9:00', local(2026, 10, 22, 9)],
    ['Sonntag 18:00', local(2026, 10, 15, 18)],
    ['last sunday', local(2026, 10, 15)],
    ['vorigen Sonntag', local(2026, 10, 15)],
    ['the day before yesterday noon', local(2026, 10, 20, 12)],
    ['half an hour ago', local(2026, 10, 22, 15, 10)],
    ['vor einer halben Stunde', local(2026, 10, 22, 15, 10)],
    ['3 days ago 7:05', local(2026, 10, 19, 7, 5)],
    ['vor 3 Tagen um 9 Uhr', local(2026, 10, 19, 9)],
    ['15/11', local(2026, 10, 15)],
    ['am Montag um 8 Uhr 30', local(2026, 10, 16, 8, 30)],
    ['now', local(2026, 10, 22, 15, 40)],
    ['jetzt', local(2026, 10, 22, 15, 40)],
    ['15.11. 7:05', local(2026, 10, 15, 7, 5)],
    ['15.11.2025 7:05:30', local(2025, 10, 15, 7, 5, 30)],
    ['24.12.', local(2025, 11, 24)],
    ['2026-11-03 12:00', local(2026, 10, 3, 12)],
    ['3 november at 7 am', local(2026, 10, 3, 7)],
    ['november 3rd 2024 noon', local(2024, 10, 3, 12)],
    ['am 3. März 2026 um 7 Uhr', local(2026, 2, 3, 7)],
    ['yesterday 12 am', local(2026, 10, 21, 0)],
    ['vor 20 minuten', local(2026, 10, 22, 15, 20)],
    ['vor einer Stunde', local(2026, 10, 22, 14, 40)],
    ['2 hours ago', local(2026, 10, 22, 13, 40)],
    ['90s ago', local(2026, 10, 22, 15, 38, 30)],
    ['vor 2 tagen', local(2026, 10, 20, 15, 40)],
    ['14:30', local(2026, 10, 22, 14, 30)],
    ['18:00', local(2026, 10, 21, 18)],
    ['gestern morgen', local(2026, 10, 21, 6)],
    ['morgen 14:30', local(2026, 10, 23, 14, 30)],
    ['tomorrow', local(2026, 10, 23)],
    ['29.2.', local(2024, 1, 29)],
  ])('%s', (text, wanted) => {
    expect(at(text)).toEqual(wanted)
  })

  it.each(['', 'the cat', '25:00', '31.2.', '14:30 15:30', 'yesterday today', 'yesterday 13 pm', 'last', 'vor', '12:61', '2026-13-01', 'pm', 'toString', 'vor 9999999999999 tagen'])(
    'does not guess at "%s"',
    (text) => {
      expect(at(text)).toBeNull()
    },
  )

  it('says whether a time of day was meant', () => {
    expect(momentOf('yesterday', nowUs)?.exact).toBe(false)
    expect(momentOf('yesterday noon', nowUs)?.exact).toBe(true)
  })

  it('keeps the clock across a change to winter time', () => {
    const monday = new Date(2026, 9, 26, 10, 0, 0)
    const found = momentOf('vor 2 tagen', monday.getTime() * 1000)
    expect(found && new Date(found.us / 1000).getHours()).toBe(10)
  })
})
