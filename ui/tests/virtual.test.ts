import { describe, expect, it } from 'vitest'
import { afterGrowth, areaPx, lastPosition, positionOf, reveal, rowOfKey, scrollTopOf, TALLEST_PX, visible, type List } from '../src/components/virtual'

const short: List = { rows: 100, rowPx: 42, viewPx: 420 }
const long: List = { rows: 1_000_000, rowPx: 42, viewPx: 630 }

describe('virtual list', () => {
  it('lays a short list out as it is', () => {
    expect(areaPx(short)).toBe(4200)
    expect(positionOf(840, short)).toBe(840)
    expect(scrollTopOf(840, short)).toBe(840)
  })
  it('keeps the area of a million rows within what browsers can lay out', () => {
    expect(areaPx(long)).toBe(TALLEST_PX)
    expect(positionOf(TALLEST_PX - long.viewPx, long)).toBe(lastPosition(long))
    expect(visible(lastPosition(long), long)).toEqual({ first: 999_984, count: 16 })
  })
  it('finds the way back from each scaled position', () => {
    for (const position of [0, 41, 12_345_678, lastPosition(long)]) {
      expect(positionOf(scrollTopOf(position, long), long)).toBeCloseTo(position, 3)
    }
  })
  it('draws one spare row at either end', () => {
    expect(visible(0, short)).toEqual({ first: 0, count: 11 })
    expect(visible(420, short)).toEqual({ first: 9, count: 12 })
    expect(visible(0, { rows: 0, rowPx: 42, viewPx: 420 })).toEqual({ first: 0, count: 0 })
  })
  it('moves only as far as a row needs to be seen', () => {
    expect(reveal(3, 0, short)).toBe(0)
    expect(reveal(10, 0, short)).toBe(42)
    expect(reveal(2, 420, short)).toBe(84)
  })
  it('follows the newest only from the top', () => {
    expect(afterGrowth(0, 3, 42)).toBe(0)
    expect(afterGrowth(840, 3, 42)).toBe(840 + 126)
    expect(afterGrowth(840, -100, 42)).toBe(840)
  })
  it('leads the keys to rows that are there', () => {
    expect(rowOfKey('ArrowDown', 5, short)).toBe(6)
    expect(rowOfKey('ArrowUp', 0, short)).toBe(0)
    expect(rowOfKey('PageDown', 5, short)).toBe(14)
    expect(rowOfKey('PageDown', 95, short)).toBe(99)
    expect(rowOfKey('Home', 95, short)).toBe(0)
    expect(rowOfKey('End', 5, long)).toBe(999_999)
    expect(rowOfKey('End', 0, { ...short, rows: 0 })).toBeNull()
    expect(rowOfKey('x', 5, short)).toBeNull()
  })
})
