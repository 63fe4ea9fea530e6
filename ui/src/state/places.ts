// Sums about pictures on the page: their rectangles, and which of them are worth sending.

import type { PicturePart, TilePlace, TileSource } from '../ipc/client'

/** A rectangle in CSS pixels of the page. */
export interface Rect {
  x: number
  y: number
  width: number
  height: number
}

/** How many pages a wall of `tiles` needs; at least one. */
export function pagesOf(cameras: number, tiles: number): number {
  return Math.max(1, Math.ceil(cameras / tiles))
}

/** The place of a picture; `null` when no part of it can be seen. */
export function placeOf(what: TileSource, rect: Rect, page: Rect, region: PicturePart | null = null): TilePlace | null {
  if (rect.width < 2 || rect.height < 2) return null
  const outside =
    rect.x >= page.width || rect.y >= page.height || rect.x + rect.width <= 0 || rect.y + rect.height <= 0
  if (outside) return null
  return { what, x: rect.x, y: rect.y, width: rect.width, height: rect.height, region }
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
        near(place.height, other.height) &&
        samePart(place.region, other.region)
      )
    })
  )
}

function samePart(a: PicturePart | null, b: PicturePart | null): boolean {
  if (a === null || b === null) return a === b
  return a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height
}

function sameSource(a: TileSource, b: TileSource): boolean {
  if (a.source === 'live' && b.source === 'live') return a.camera === b.camera && a.stream === b.stream
  if (a.source === 'together' && b.source === 'together') return a.seat === b.seat
  return a.source === b.source
}
