import { describe, expect, it } from 'vitest'
import { KEYS, keysOf } from '../src/state/keys'
import { after, AFTER_TOUCH_MS, Patrol } from '../src/state/patrol'
import { hashOf, routeOf } from '../src/state/route'
import { CLOSEST, factorOf, panned, pointIn, zoomed } from '../src/state/zoom'

describe('digital zoom', () => {
  it('keeps the point under the pointer where it is', () => {
    const part = zoomed(null, 2, 0.25, 0.75)!
    expect(part).toEqual({ left: 0.125, top: 0.375, width: 0.5, height: 0.5 })
    const closer = zoomed(part, 1.25, 0.25, 0.75)!
    expect(closer.left + closer.width * 0.25).toBeCloseTo(part.left + part.width * 0.25)
    expect(closer.top + closer.height * 0.75).toBeCloseTo(part.top + part.height * 0.75)
  })
  it('ends at the whole picture and at the closest', () => {
    expect(zoomed(zoomed(null, 2), 0.5)).toBeNull()
    let part = zoomed(null, 2)
    for (let i = 0; i < 40; i += 1) part = zoomed(part, 1.25)
    expect(factorOf(part)).toBeCloseTo(CLOSEST)
  })
  it('never leaves the picture', () => {
    const part = zoomed(null, 4)
    expect(panned(part, 50, -50)).toEqual({ left: 0.75, top: 0, width: 0.25, height: 0.25 })
    expect(panned(null, 1, 1)).toBeNull()
  })
  it('knows where the picture is between its bars', () => {
    const rect = { x: 100, y: 0, width: 400, height: 400 }
    expect(pointIn(rect, 2, 300, 200)).toEqual({ x: 0.5, y: 0.5 })
    expect(pointIn(rect, 2, 100, 100)).toEqual({ x: 0, y: 0 })
    expect(pointIn(rect, 2, 100, 10)).toEqual({ x: 0, y: 0 })
  })
})

describe('the patrol', () => {
  it('goes on after each stay, and waits for whoever touches the window', () => {
    const patrol = new Patrol(5_000, 0)
    expect(patrol.isDue(4_999)).toBe(false)
    expect(patrol.isDue(5_000)).toBe(true)
    expect(patrol.rests(5_000)).toBe(false)
    patrol.touched(6_000)
    expect(patrol.rests(6_000)).toBe(true)
    expect(patrol.isDue(6_000 + AFTER_TOUCH_MS - 1)).toBe(false)
    expect(patrol.isDue(6_000 + AFTER_TOUCH_MS)).toBe(true)
    expect(patrol.isDue(6_000 + AFTER_TOUCH_MS + 5_000)).toBe(true)
  })
  it('walks around', () => {
    expect(['a', 'b', 'c'].map((stop) => after(['a', 'b', 'c'], stop))).toEqual(['b', 'c', 'a'])
    expect(after([], 'a')).toBeUndefined()
  })
})

describe('the table of keys', () => {
  it('says of each key what it does, once a place', () => {
    const seen = new Set<string>()
    for (const line of KEYS) {
      expect(line.keys().length).toBeGreaterThan(0)
      expect(line.what().length).toBeGreaterThan(2)
      const name = `${line.place} ${line.what()}`
      expect(seen.has(name)).toBe(false)
      seen.add(name)
    }
  })
  it('shows nobody what is not theirs', () => {
    expect(keysOf(['live'], false).some((line) => line.owner)).toBe(false)
    expect(keysOf(['live'], true).length).toBeGreaterThan(keysOf(['live'], false).length)
  })
})

describe('the way to a camera', () => {
  it('survives its address', () => {
    expect(routeOf(hashOf({ screen: 'live', camera: 'c1' }))).toEqual({ screen: 'live', camera: 'c1' })
    expect(routeOf('#/live')).toEqual({ screen: 'live' })
  })
})
