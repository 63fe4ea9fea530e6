import { describe, expect, it } from 'vitest'
import type { TileSource } from '../src/ipc/bindings'
import { gridOf, neighbour, pagesOf, placeOf, samePlaces, streamOf } from '../src/state/places'

const what: TileSource = { source: 'live', camera: 'c1', stream: 'sub' }
const page = { x: 0, y: 0, width: 1440, height: 900 }

describe('the wall', () => {
  it('fits a grid to the cameras', () => {
    expect(gridOf('auto', 1)).toEqual({ columns: 1, rows: 1, tiles: 1 })
    expect(gridOf('auto', 6)).toEqual({ columns: 3, rows: 2, tiles: 6 })
    expect(gridOf('auto', 40)).toEqual({ columns: 4, rows: 4, tiles: 16 })
    expect(gridOf(6, 2)).toEqual({ columns: 3, rows: 2, tiles: 6 })
  })
  it('needs pages when there are more cameras than tiles', () => {
    expect(pagesOf(0, 4)).toBe(1)
    expect(pagesOf(9, 4)).toBe(3)
  })
  it('takes the full picture only where it stands alone', () => {
    expect(streamOf(1)).toBe('main')
    expect(streamOf(4)).toBe('sub')
  })
  it('moves by arrows within the wall', () => {
    expect(neighbour(0, 'ArrowDown', 3, 6)).toBe(3)
    expect(neighbour(0, 'ArrowUp', 3, 6)).toBe(0)
    expect(neighbour(5, 'ArrowRight', 3, 6)).toBe(5)
  })
  it('sends no place for what cannot be seen', () => {
    expect(placeOf(what, { x: 10, y: 10, width: 0, height: 90 }, page)).toBeNull()
    expect(placeOf(what, { x: 10, y: 901, width: 160, height: 90 }, page)).toBeNull()
    expect(placeOf(what, { x: 10, y: 20, width: 160, height: 90 }, page)).toEqual({ what, x: 10, y: 20, width: 160, height: 90 })
  })
  it('tells a moved wall from one that stands', () => {
    const place = { what, x: 10, y: 20, width: 160, height: 90 }
    expect(samePlaces([place], [{ ...place, x: 10.1 }])).toBe(true)
    expect(samePlaces([place], [{ ...place, x: 11 }])).toBe(false)
    expect(samePlaces([place], [{ ...place, what: { source: 'player' } }])).toBe(false)
    expect(samePlaces([place], [])).toBe(false)
  })
})
