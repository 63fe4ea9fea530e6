import { describe, expect, it } from 'vitest'
import { isSpan, scopesOf, untilOf } from '../src/components/grant'

describe('what a grant covers', () => {
  it('takes a span only with both ends, in their order', () => {
    expect(isSpan(10, 20)).toBe(true)
    expect(isSpan(20, 10)).toBe(false)
    expect(isSpan(10, 10)).toBe(false)
    expect(isSpan(null, 20)).toBe(false)
    expect(isSpan(10, null)).toBe(false)
  })
  it('gives nothing at all for a span without a beginning', () => {
    expect(scopesOf('span', null, ['c1'], null, 20)).toEqual([])
    expect(scopesOf('span', null, ['c1'], 10, null)).toEqual([])
    expect(scopesOf('span', null, ['c1'], 30, 20)).toEqual([])
    expect(scopesOf('span', null, ['c1', 'c2'], 10, 20)).toEqual([
      { scope: 'span', camera: 'c1', from_us: 10, to_us: 20 },
      { scope: 'span', camera: 'c2', from_us: 10, to_us: 20 },
    ])
  })
  it('never widens a clip that is missing to its camera', () => {
    expect(scopesOf('clip', null, ['c1'], null, null)).toEqual([])
    expect(scopesOf('clip', 'x', ['c1'], null, null)).toEqual([{ scope: 'clip', clip: 'x' }])
    expect(scopesOf('camera', null, [], null, null)).toEqual([])
  })
  it('ends a grant without a date at once, not never', () => {
    expect(untilOf('date', null, 50)).toBe(50)
    expect(untilOf('back', null, 50)).toBeNull()
  })
})
