import { describe, expect, it, vi } from 'vitest'
import { dateOf, dayStart, HOUR_US, MINUTE_US, SECOND_US } from '../src/i18n/time'
import { tickLabel, windowLabel } from '../src/screens/clips/labels'
import { DAY_US, dayOf, lengthOf, LONGEST_US, moved, piece, percent, SHORTEST_US, showing, stepOf, ticks, timeOf, within, xOf, zoomed, zoomOf, zoomTo } from '../src/screens/clips/timeline'

// The zone of these tests, with a day of 23 hours in March and one of 25 in October.
vi.stubEnv('TZ', 'Europe/Berlin')
const at = (y: number, mo: number, d: number, h = 0, min = 0) => new Date(y, mo - 1, d, h, min).getTime() * 1000
const nowUs = at(2026, 11, 22, 16)
const limits = { nowUs, longestUs: LONGEST_US }
const day = dayOf(nowUs)
const hours = (window: { fromUs: number; toUs: number }, list: { us: number }[]) => list.map(({ us }) => (us - window.fromUs) / HOUR_US)

describe('timeline', () => {
  it('places times', () => {
    expect(percent(day.fromUs + 6 * HOUR_US, day)).toBe(25)
    expect(piece(day.fromUs - HOUR_US, day.fromUs + 12 * HOUR_US, day)).toEqual({ left: 0, width: 50 })
    expect(piece(day.fromUs - 2 * HOUR_US, day.fromUs - HOUR_US, day)).toBeNull()
    expect(timeOf(xOf(day.fromUs + 77, day, 1200), day, 1200)).toBeCloseTo(day.fromUs + 77, -1)
  })

  it('zooms from a year to a second around the pointer, which stays where it is', () => {
    const atUs = at(2026, 6, 3, 14, 30)
    let window = zoomTo('year', atUs, limits)
    expect(lengthOf(window)).toBe(365 * DAY_US)
    const share = (atUs - window.fromUs) / lengthOf(window)
    for (let turns = 0; turns < 90; turns += 1) window = zoomed(window, 1 / 1.3, atUs, limits)
    expect(lengthOf(window)).toBe(SHORTEST_US)
    expect((atUs - window.fromUs) / lengthOf(window)).toBeCloseTo(share, 3)
    for (let turns = 0; turns < 90; turns += 1) window = zoomed(window, 1.3, atUs, limits)
    expect(lengthOf(window)).toBe(LONGEST_US)
    expect(window.toUs).toBeLessThanOrEqual(nowUs + LONGEST_US / 8)
  })

  it('does not leave what there can be', () => {
    expect(moved(day, 40, limits)).toEqual(day)
    expect(lengthOf(within({ fromUs: 0, toUs: 5e15 }, limits))).toBeCloseTo(LONGEST_US, -3)
    expect(lengthOf(within({ fromUs: nowUs - 9 * DAY_US, toUs: nowUs }, { nowUs, longestUs: 8 * DAY_US }))).toBe(8 * DAY_US)
    expect(showing(day, nowUs, limits)).toBe(day)
    const other = showing(day, nowUs - 5 * DAY_US, limits)
    expect((other.fromUs + other.toUs) / 2).toBeCloseTo(nowUs - 5 * DAY_US, -3)
  })

  it('names lengths', () => {
    expect(zoomTo('day', nowUs, limits)).toEqual(day)
    expect(zoomTo('month', at(2026, 2, 14), limits)).toEqual({ fromUs: at(2026, 2, 1), toUs: at(2026, 3, 1) })
    for (const zoom of ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'] as const) {
      expect(zoomOf(zoomTo(zoom, at(2026, 6, 3), limits))).toBe(zoom)
    }
    expect(windowLabel({ fromUs: at(2026, 2, 1), toUs: at(2026, 3, 1) }, nowUs)).toBe('February 2026')
    expect(windowLabel(day, nowUs)).toBe('Today')
  })

  it('writes round times at every zoom, neither crowded nor sparse', () => {
    for (let length = SHORTEST_US; length <= LONGEST_US; length *= 1.37) {
      const window = { fromUs: at(2026, 6, 3, 14, 30), toUs: at(2026, 6, 3, 14, 30) + length }
      const step = stepOf(window, 1200)
      const list = ticks(window, step)
      expect(list.length, `${length / SECOND_US} s`).toBeGreaterThanOrEqual(3)
      expect(list.length, `${length / SECOND_US} s`).toBeLessThanOrEqual(18)
      const labels = list.map((tick) => tickLabel(tick, step))
      for (const [i, label] of labels.entries()) expect(label).not.toBe(labels[i + 1])
    }
    expect(hours(day, ticks(day, stepOf(day, 700)))).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24])
  })

  it('draws days on which clocks are changed as long as they are', () => {
    const spring = dayOf(at(2026, 3, 29, 12))
    const autumn = dayOf(at(2026, 10, 25, 12))
    expect(lengthOf(spring)).toBe(23 * HOUR_US)
    expect(lengthOf(autumn)).toBe(25 * HOUR_US)
    const hour = { unit: 'hour', n: 1, us: HOUR_US } as const
    // Two o'clock is missing in spring and stands twice in autumn; each hour is as wide as every other.
    expect(ticks(spring, hour).map(({ us }) => dateOf(us).getHours()).slice(0, 5)).toEqual([0, 1, 3, 4, 5])
    expect(ticks(autumn, hour).map(({ us }) => dateOf(us).getHours()).slice(0, 5)).toEqual([0, 1, 2, 2, 3])
    expect(hours(spring, ticks(spring, hour))).toEqual(Array.from({ length: 24 }, (_, i) => i))
    expect(hours(autumn, ticks(autumn, hour))).toEqual(Array.from({ length: 26 }, (_, i) => i))
    // Every third hour is one of the clock on the wall.
    const third = { unit: 'hour', n: 3, us: 3 * HOUR_US } as const
    expect(ticks(spring, third).map(({ us }) => dateOf(us).getHours())).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 0])
    expect(hours(autumn, ticks(autumn, third))).toEqual([0, 4, 7, 10, 13, 16, 19, 22, 25])
    // Minutes go on through the change.
    const night = { fromUs: at(2026, 10, 25, 1, 45), toUs: at(2026, 10, 25, 1, 45) + 2 * HOUR_US }
    const list = ticks(night, { unit: 'us', n: 15 * MINUTE_US, us: 15 * MINUTE_US })
    expect(list.map(({ us }, i) => us - list[0]!.us === i * 15 * MINUTE_US).every(Boolean)).toBe(true)
    // Days and months begin at midnight whatever the hour says.
    const both = { fromUs: at(2026, 3, 1), toUs: at(2026, 11, 30) }
    for (const unit of ['day', 'week', 'month'] as const) {
      for (const { us } of ticks(both, { unit, n: 1, us: DAY_US })) expect(us).toBe(dayStart(us))
    }
  })
})
