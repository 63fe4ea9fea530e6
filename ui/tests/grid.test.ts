import { describe, expect, it } from 'vitest'
import { added, cellAt, gridOf, moved, neighbourOf, resized, sized, streamOf, without, type Grid } from '../src/state/grid'

const ids = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`)
/** Each camera's cells as text, and that none lies over another or outside. */
function shape(grid: Grid): Record<string, string> {
  const taken = new Set<string>()
  for (const tile of grid.tiles) {
    for (let x = tile.column; x < tile.column + tile.width; x += 1) {
      for (let y = tile.row; y < tile.row + tile.height; y += 1) {
        expect(x).toBeLessThan(grid.columns)
        expect(y).toBeLessThan(grid.rows)
        expect(taken.has(`${x} ${y}`)).toBe(false)
        taken.add(`${x} ${y}`)
      }
    }
  }
  return Object.fromEntries(grid.tiles.map((tile) => [tile.camera, `${tile.column} ${tile.row} ${tile.width} ${tile.height}`]))
}

describe('layouts', () => {
  it('fit the cameras', () => {
    expect(gridOf('auto', ids(1))).toMatchObject({ columns: 1, rows: 1 })
    expect(gridOf('auto', ids(2))).toMatchObject({ columns: 2, rows: 1 })
    expect(gridOf('auto', ids(6))).toMatchObject({ columns: 3, rows: 2 })
    expect(gridOf(4, ids(4))).toMatchObject({ columns: 2, rows: 2 })
    expect(gridOf(9, ids(9))).toMatchObject({ columns: 3, rows: 3 })
    expect(gridOf(16, ids(16))).toMatchObject({ columns: 4, rows: 4 })
    expect(gridOf(25, ids(25))).toMatchObject({ columns: 5, rows: 5 })
    for (const layout of ['auto', 1, 4, 6, 9, 16, 25] as const) for (let n = 0; n < 30; n += 1) shape(gridOf(layout, ids(n)))
  })
  it('of six have one large among five small, and it alone is worth the main stream', () => {
    const grid = gridOf(6, ids(6))
    expect(shape(grid)).toEqual({ c0: '0 0 2 2', c1: '2 0 1 1', c2: '2 1 1 1', c3: '0 2 1 1', c4: '1 2 1 1', c5: '2 2 1 1' })
    expect(grid.tiles.map((tile) => streamOf(tile, grid))).toEqual(['main', 'sub', 'sub', 'sub', 'sub', 'sub'])
    const two = gridOf('auto', ids(2))
    expect(two.tiles.map((tile) => streamOf(tile, two))).toEqual(['sub', 'sub'])
    const one = gridOf(16, ids(1))
    expect(streamOf(one.tiles[0]!, one)).toBe('main')
  })
})

describe('arranging', () => {
  const grid = gridOf(4, ids(4))
  it('swaps what is moved onto another, with its size', () => {
    expect(shape(moved(grid, 'c0', 1, 1))).toMatchObject({ c0: '1 1 1 1', c3: '0 0 1 1' })
    expect(shape(moved(gridOf(6, ids(6)), 'c5', 1, 1))).toMatchObject({ c5: '0 0 2 2', c0: '2 2 1 1' })
    expect(moved(grid, 'c0', 2, 0)).toBe(grid)
  })
  it('moves into free cells as much as fits', () => {
    const with2 = resized(without(without(gridOf(9, ids(9)), 'c8'), 'c5'), 'c0', 2, 1)
    expect(shape(moved(with2, 'c0', 2, 1))['c0']).toBe('2 1 1 1')
  })
  it('resizes over others, which move to free cells or make the grid grow', () => {
    const large = resized(grid, 'c0', 2, 2)
    expect(shape(large)['c0']).toBe('0 0 2 2')
    expect(large.tiles).toHaveLength(4)
    expect(shape(resized(grid, 'c1', 9, 1))['c1']).toBe('1 0 1 1')
    expect(shape(resized(large, 'c0', 1, 1))['c0']).toBe('0 0 1 1')
  })
  it('adds into the first free cell, and grows when there is none, up to an end', () => {
    expect(shape(added(without(grid, 'c1'), 'c9')!)['c9']).toBe('1 0 1 1')
    expect(added(grid, 'c9')).toMatchObject({ columns: 3, rows: 2 })
    let full: Grid | null = gridOf(1, ids(1))
    for (let i = 1; i < 144 && full; i += 1) full = added(full, `c${i}`)
    expect(full).toMatchObject({ columns: 12, rows: 12 })
    expect(added(full!, 'x')).toBeNull()
  })
  it('takes another size only if all cameras have room', () => {
    expect(sized(grid, 1, 2)).toBe(grid)
    expect(shape(sized(grid, 4, 1))).toMatchObject({ c0: '0 0 1 1', c1: '1 0 1 1' })
    expect(sized(grid, 0, 3)).toBe(grid)
  })
  it('goes by arrows to the nearest on that side', () => {
    const six = gridOf(6, ids(6))
    expect(neighbourOf(six, 'c0', 'ArrowRight')).toBe('c1')
    expect(neighbourOf(six, 'c0', 'ArrowDown')).toMatch(/c[34]/)
    expect(neighbourOf(six, 'c5', 'ArrowUp')).toBe('c2')
    expect(neighbourOf(six, 'c3', 'ArrowLeft')).toBe('c3')
  })
  it('finds the cell under a point', () => {
    const rect = { x: 10, y: 20, width: 300, height: 200 }
    expect(cellAt(six(), rect, 15, 25)).toEqual({ column: 0, row: 0 })
    expect(cellAt(six(), rect, 309, 219)).toEqual({ column: 2, row: 2 })
    expect(cellAt(six(), rect, -50, 900)).toEqual({ column: 0, row: 2 })
  })
})
const six = () => gridOf(6, ids(6))
