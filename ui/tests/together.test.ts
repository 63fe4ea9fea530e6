import { describe, expect, it } from 'vitest'
import { columnsOf, nextSpeed, toggled } from '../src/screens/together/together.svelte'
import { hashOf, routeOf } from '../src/state/route'

describe('cameras played in step', () => {
  it('fill a grid', () => {
    expect([2, 3, 4, 5, 6, 7, 9].map(columnsOf)).toEqual([2, 2, 2, 3, 3, 3, 3])
  })
  it('are chosen and left out, never more than nine', () => {
    expect(toggled(['a', 'b'], 'a')).toEqual(['b'])
    expect(toggled(['a'], 'b')).toEqual(['a', 'b'])
    const nine = [...'abcdefghi']
    expect(toggled(nine, 'j')).toEqual(nine)
    expect(toggled(nine, 'c')).toHaveLength(8)
  })
  it('go faster and slower either way', () => {
    expect([nextSpeed(1, 1), nextSpeed(16, 1), nextSpeed(0.125, -1), nextSpeed(-2, 1), nextSpeed(-2, -1)]).toEqual([2, 16, 0.125, -4, -1])
  })
  it('have an address', () => {
    expect(routeOf(hashOf({ screen: 'together', atUs: 1795350000000000 }))).toEqual({ screen: 'together', atUs: 1795350000000000 })
    expect(routeOf('#/together')).toEqual({ screen: 'clips' })
  })
})
