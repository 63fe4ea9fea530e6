import { describe, expect, it } from 'vitest'
import type { TileSource } from '../src/ipc/bindings'
import { pagesOf, placeOf, samePlaces } from '../src/state/places'

const what: TileSource = { source: 'live', camera: 'c1', stream: 'sub' }
const page = { x: 0, y: 0, width: 1440, height: 900 }

describe('the wall', () => {
  it('needs pages when there are more cameras than tiles', () => {
    expect(pagesOf(0, 4)).toBe(1)
    expect(pagesOf(9, 4)).toBe(3)
  })
  it('sends no place for what cannot be seen', () => {
    expect(placeOf(what, { x: 10, y: 10, width: 0, height: 90 }, page)).toBeNull()
    expect(placeOf(what, { x: 10, y: 901, width: 160, height: 90 }, page)).toBeNull()
    expect(placeOf(what, { x: 10, y: 20, width: 160, height: 90 }, page)).toEqual({ what, x: 10, y: 20, width: 160, height: 90, region: null })
  })
  it('tells a moved wall from one that stands', () => {
    const place = { what, x: 10, y: 20, width: 160, height: 90, region: null }
    expect(samePlaces([place], [{ ...place, x: 10.1 }])).toBe(true)
    expect(samePlaces([place], [{ ...place, x: 11 }])).toBe(false)
    expect(samePlaces([place], [{ ...place, what: { source: 'player' } }])).toBe(false)
    expect(samePlaces([place], [{ ...place, region: { left: 0, top: 0, width: 0.5, height: 0.5 } }])).toBe(false)
    expect(samePlaces([place], [])).toBe(false)
  })
})
