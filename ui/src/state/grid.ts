// Sums about walls: which camera takes which cells of a grid, and what becomes of the others when one is moved or resized.

import type { StreamRole } from '../ipc/client'

/** A camera's place, in cells. */
export interface GridTile {
  camera: string
  column: number
  row: number
  width: number
  height: number
}

/** A wall. */
export interface Grid {
  columns: number
  rows: number
  tiles: GridTile[]
}

/** Cameras at once; `auto` shows all, up to 16; 6 is one large and five small. */
export type Layout = 'auto' | 1 | 4 | 6 | 9 | 16 | 25

/** Layouts in the order they are offered. */
export const LAYOUTS: Layout[] = ['auto', 1, 4, 6, 9, 16, 25]

/** The most columns and rows. */
export const SIDE_MAX = 12

/** How many cameras a layout shows at once. */
export function tilesOf(layout: Layout, cameras: number): number {
  return layout === 'auto' ? Math.max(1, Math.min(16, cameras)) : layout
}

/** The wall of a layout: `cameras` are those of its page. */
export function gridOf(layout: Layout, cameras: string[]): Grid {
  if (layout === 6 && cameras.length > 0) {
    const cells: Omit<GridTile, 'camera'>[] = [
      { column: 0, row: 0, width: 2, height: 2 },
      ...[[2, 0], [2, 1], [0, 2], [1, 2], [2, 2]].map(([column = 0, row = 0]) => ({ column, row, width: 1, height: 1 })),
    ]
    return { columns: 3, rows: 3, tiles: cameras.slice(0, 6).map((camera, i) => ({ camera, ...cells[i]! })) }
  }
  const count = layout === 'auto' ? Math.max(1, Math.min(16, cameras.length)) : layout
  const columns = layout === 'auto' ? (count === 2 ? 2 : Math.ceil(Math.sqrt(count))) : Math.round(Math.sqrt(count))
  const used = Math.min(columns, Math.max(1, cameras.length))
  const rows = Math.max(1, Math.min(Math.ceil(count / columns), Math.ceil(cameras.length / used)))
  const tiles = cameras.slice(0, count).map((camera, i) => ({ camera, column: i % used, row: Math.floor(i / used), width: 1, height: 1 }))
  return { columns: used, rows, tiles }
}

/** The stream that is worth its cost: the full picture where it stands alone, or is the large one among small ones. */
export function streamOf(tile: GridTile, grid: Grid): StreamRole {
  if (grid.tiles.length === 1) return 'main'
  const cells = tile.width * tile.height
  return cells >= 4 && cells / (grid.columns * grid.rows) >= 0.4 ? 'main' : 'sub'
}

const overlap = (a: Omit<GridTile, 'camera'>, b: Omit<GridTile, 'camera'>) =>
  a.column < b.column + b.width && b.column < a.column + a.width && a.row < b.row + b.height && b.row < a.row + a.height

/** The first cell that no tile takes. */
function freeCell(grid: Grid): { column: number; row: number } | null {
  for (let row = 0; row < grid.rows; row += 1) {
    for (let column = 0; column < grid.columns; column += 1) {
      const cell = { column, row, width: 1, height: 1 }
      if (!grid.tiles.some((tile) => overlap(tile, cell))) return { column, row }
    }
  }
  return null
}

/** Puts a camera into the first free cell; without one, the grid grows on its shorter side. `null`: there is no more room. */
export function added(grid: Grid, camera: string): Grid | null {
  const cell = freeCell(grid)
  if (cell !== null) return { ...grid, tiles: [...grid.tiles, { camera, ...cell, width: 1, height: 1 }] }
  const wider = grid.columns <= grid.rows && grid.columns < SIDE_MAX
  if (!wider && grid.rows >= SIDE_MAX) return null
  return added({ ...grid, columns: grid.columns + (wider ? 1 : 0), rows: grid.rows + (wider ? 0 : 1) }, camera)
}

/** Takes a camera off. */
export function without(grid: Grid, camera: string): Grid {
  return { ...grid, tiles: grid.tiles.filter((tile) => tile.camera !== camera) }
}

/** Lets a camera take this cell: the camera that has it comes where the first was; an empty one is simply taken. */
export function moved(grid: Grid, camera: string, column: number, row: number): Grid {
  const from = grid.tiles.find((tile) => tile.camera === camera)
  if (from === undefined || column < 0 || row < 0 || column >= grid.columns || row >= grid.rows) return grid
  const there = grid.tiles.find((tile) => tile.camera !== camera && overlap(tile, { column, row, width: 1, height: 1 }))
  if (there !== undefined) {
    const swapped = (tile: GridTile) =>
      tile === from ? { ...there, camera: from.camera } : tile === there ? { ...from, camera: there.camera } : tile
    return { ...grid, tiles: grid.tiles.map(swapped) }
  }
  // As much of it as fits there.
  let to = { ...from, column, row, width: Math.min(from.width, grid.columns - column), height: Math.min(from.height, grid.rows - row) }
  if (grid.tiles.some((tile) => tile !== from && overlap(tile, to))) to = { ...to, width: 1, height: 1 }
  return { ...grid, tiles: grid.tiles.map((tile) => (tile === from ? to : tile)) }
}

/** Lets a camera take so many cells. Who stands there moves to free cells, for which the grid grows if it must. */
export function resized(grid: Grid, camera: string, width: number, height: number): Grid {
  const from = grid.tiles.find((tile) => tile.camera === camera)
  if (from === undefined) return grid
  const to = {
    ...from,
    width: Math.max(1, Math.min(width, grid.columns - from.column)),
    height: Math.max(1, Math.min(height, grid.rows - from.row)),
  }
  const displaced = grid.tiles.filter((tile) => tile !== from && overlap(tile, to))
  let next: Grid | null = { ...grid, tiles: grid.tiles.filter((tile) => tile !== from && !displaced.includes(tile)) }
  next = { ...next, tiles: [...next.tiles, to] }
  for (const tile of displaced) {
    next = added(next, tile.camera)
    if (next === null) return grid
  }
  return inOrder(next)
}

/** Gives the grid another size; what does not fit any more moves to free cells. The same grid if there are too few. */
export function sized(grid: Grid, columns: number, rows: number): Grid {
  if (columns < 1 || rows < 1 || columns > SIDE_MAX || rows > SIDE_MAX) return grid
  const cut = grid.tiles.map((tile) => ({
    ...tile,
    width: Math.min(tile.width, Math.max(1, columns - tile.column)),
    height: Math.min(tile.height, Math.max(1, rows - tile.row)),
  }))
  const stays = cut.filter((tile) => tile.column < columns && tile.row < rows)
  let next: Grid = { columns, rows, tiles: stays }
  for (const tile of cut.filter((one) => !stays.includes(one))) {
    const cell = freeCell(next)
    if (cell === null) return grid
    next = { ...next, tiles: [...next.tiles, { camera: tile.camera, ...cell, width: 1, height: 1 }] }
  }
  return inOrder(next)
}

/** Tiles in reading order, so that Tab and the numbers follow the eye. */
export function inOrder(grid: Grid): Grid {
  return { ...grid, tiles: [...grid.tiles].sort((a, b) => a.row - b.row || a.column - b.column) }
}

/** The tile that an arrow leads to: the nearest on that side. */
export function neighbourOf(grid: Grid, camera: string, key: string): string {
  const from = grid.tiles.find((tile) => tile.camera === camera)
  const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0]
  if (from === undefined || across === undefined || down === undefined) return camera
  const middle = (tile: GridTile) => [tile.column + tile.width / 2, tile.row + tile.height / 2] as const
  const [x, y] = middle(from)
  let best = { camera, far: Infinity }
  for (const tile of grid.tiles) {
    const [tx, ty] = middle(tile)
    const [along, beside] = across === 0 ? [(ty - y) * down, Math.abs(tx - x)] : [(tx - x) * across, Math.abs(ty - y)]
    // Beside counts double, so that an arrow keeps its row or column where it can.
    const far = along + 2 * beside
    if (tile !== from && along > 0.25 && far < best.far) best = { camera: tile.camera, far }
  }
  return best.camera
}

/** The cell under a point of the grid's element, gaps counted to the cell before. */
export function cellAt(grid: Grid, rect: { x: number; y: number; width: number; height: number }, x: number, y: number): { column: number; row: number } {
  const part = (at: number, from: number, length: number, of: number) => Math.max(0, Math.min(of - 1, Math.floor(((at - from) / length) * of)))
  return { column: part(x, rect.x, rect.width, grid.columns), row: part(y, rect.y, rect.height, grid.rows) }
}
