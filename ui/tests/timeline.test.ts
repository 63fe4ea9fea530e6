import { describe, expect, it } from 'vitest'
import { dayStart, HOUR_US, MINUTE_US } from '../src/i18n/time'
import { percent, piece, stopOfKey, stops, ticks, zoom } from '../src/screens/clips/timeline'

const fromUs = dayStart(new Date('2026-11-22T12:00:00').getTime() * 1000)
const day = { fromUs, toUs: fromUs + 24 * HOUR_US }

describe('timeline', () => {
  it('places times', () => {
    expect(percent(fromUs + 6 * HOUR_US, day)).toBe(25)
    expect(piece(fromUs - HOUR_US, fromUs + 12 * HOUR_US, day)).toEqual({ left: 0, width: 50 })
    expect(piece(fromUs - 2 * HOUR_US, fromUs - HOUR_US, day)).toBeNull()
  })
  it('writes a few round times', () => {
    expect(ticks(day).map((us) => (us - fromUs) / HOUR_US)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24])
    const hour = { fromUs: fromUs + HOUR_US + MINUTE_US, toUs: fromUs + 2 * HOUR_US + MINUTE_US }
    expect(ticks(hour).map((us) => (us - fromUs) / MINUTE_US)).toEqual([70, 80, 90, 100, 110, 120])
  })
  it('zooms around the pointer, within the day', () => {
    const atUs = fromUs + 12 * HOUR_US
    const closer = zoom(day, day, atUs, -1)
    expect(closer.toUs - closer.fromUs).toBeLessThan(24 * HOUR_US)
    expect(percent(atUs, closer)).toBeCloseTo(50)
    expect(zoom(day, day, atUs, 1)).toEqual(day)
    expect(zoom(closer, day, fromUs, -60).toUs - zoom(closer, day, fromUs, -60).fromUs).toBeCloseTo(10 * MINUTE_US)
  })
})

describe('the keys on a lane', () => {
  const lane = {
    recorded: [{ from_us: 100, to_us: 400 }],
    events: [
      { id: 'b', kind: 'person' as const, topic: '', from_us: 300, to_us: 310 },
      { id: 'a', kind: 'motion' as const, topic: '', from_us: 200, to_us: 210 },
    ],
  }
  it('stop where recording begins and where something happened', () => {
    expect(stops(lane)).toEqual([100, 200, 300])
  })
  it('go from stop to stop, never to midnight', () => {
    const all = stops(lane)
    expect(stopOfKey('ArrowRight', 150, all)).toBe(200)
    expect(stopOfKey('ArrowRight', 300, all)).toBe(300)
    expect(stopOfKey('ArrowLeft', 150, all)).toBe(100)
    expect(stopOfKey('ArrowLeft', 50, all)).toBe(100)
    expect(stopOfKey('Home', 250, all)).toBe(100)
    expect(stopOfKey('End', 250, all)).toBe(300)
    expect(stopOfKey('x', 250, all)).toBeNull()
    expect(stopOfKey('ArrowRight', 250, [])).toBeNull()
  })
})
