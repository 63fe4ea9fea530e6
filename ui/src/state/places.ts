// Sums about the wall: grids, rectangles, and which of them are worth sending.

import type { StreamRole, TilePlace, TileSource } from '../ipc/client'

/** A rectangle in CSS pixels of the page. */
export interface Rect {
  x: number
  y: number
  width: number
  height: number
}

/** Cameras on a wall at once; `auto` shows all, up to 16. */
export type Layout = 'auto' | 1 | 4 | 6 | 9 | 16

/** Layouts in the order they are offered. */
export const LAYOUTS: Layout[] = ['auto', 1, 4, 6, 9, 16]

/** Columns and rows of a layout for so many cameras. */
export function gridOf(layout: Layout, cameras: number): { columns: number; rows: number; tiles: number } {
  if (layout === 'auto') {
    const tiles = Math.max(1, Math.min(16, cameras))
    const columns = tiles === 2 ? 2 : tiles <= 1 ? 1 : tiles <= 4 ? 2 : tiles <= 9 ? 3 : 4
    return { columns, rows: Math.ceil(tiles / columns), tiles }
  }
  const columns = { 1: 1, 4: 2, 6: 3, 9: 3, 16: 4 }[layout]
  return { columns, rows: layout / columns, tiles: layout }
}

/** How many pages a wall of `tiles` needs; at least one. */
export function pagesOf(cameras: number, tiles: number): number {
  return Math.max(1, Math.ceil(cameras / tiles))
}

/** The stream that is worth its cost: the full picture only where it stands alone. */
export function streamOf(tiles: number): StreamRole {
  return tiles === 1 ? 'main' : 'sub'
}

/** The tile that an arrow leads to, within the same wall. */
export function neighbour(index: number, key: string, columns: number, tiles: number): number {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key]
  if (step === undefined) return index
  const to = index + step
  return to < 0 || to >= tiles ? index : to
}

/** The place of a picture; `null` when no part of it can be seen. */
export function placeOf(what: TileSource, rect: Rect, page: Rect): TilePlace | null {
  if (rect.width < 2 || rect.height < 2) return null
  const outside =
    rect.x >= page.width || rect.y >= page.height || rect.x + rect.width <= 0 || rect.y + rect.height <= 0
  if (outside) return null
  return { what, x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

/** Whether two walls are the same, to a quarter of a pixel. */
export function samePlaces(a: TilePlace[], b: TilePlace[]): boolean {
  const near = (x: number, y: number) => Math.abs(x - y) < 0.25
  return (
    a.length === b.length &&
    a.every((place, i) => {
      const other = b[i]
      return (
        other !== undefined &&
        sameSource(place.what, other.what) &&
        near(place.x, other.x) &&
        near(place.y, other.y) &&
        near(place.width, other.width) &&
        near(place.height, other.height)
      )
    })
  )
}

function sameSource(a: TileSource, b: TileSource): boolean {
  if (a.source === 'live' && b.source === 'live') return a.camera === b.camera && a.stream === b.stream
  return a.source === b.source
}
