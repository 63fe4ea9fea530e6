// Sums of a list that is longer than a browser can lay out: positions are virtual, the scroll bar is scaled.

/** Taller than this, browsers lose precision or cut off. CSS pixels. */
export const TALLEST_PX = 8_000_000

/** A list of rows of one height. */
export interface List {
  rows: number
  rowPx: number
  viewPx: number
}

/** Height that all rows would need. */
export function fullPx(list: List): number {
  return list.rows * list.rowPx
}

/** Height of the scroll area that is really laid out. */
export function areaPx(list: List): number {
  return Math.min(TALLEST_PX, fullPx(list))
}

/** The farthest virtual position. */
export function lastPosition(list: List): number {
  return Math.max(0, fullPx(list) - list.viewPx)
}

/** The virtual position of a scroll bar. */
export function positionOf(scrollTop: number, list: List): number {
  const farthest = areaPx(list) - list.viewPx
  if (farthest <= 0) return 0
  return Math.min(1, Math.max(0, scrollTop / farthest)) * lastPosition(list)
}

/** Where the scroll bar stands for a virtual position. */
export function scrollTopOf(position: number, list: List): number {
  const last = lastPosition(list)
  if (last <= 0) return 0
  return (clampPosition(position, list) / last) * (areaPx(list) - list.viewPx)
}

/** A position that exists. */
export function clampPosition(position: number, list: List): number {
  return Math.min(lastPosition(list), Math.max(0, position))
}

/** The rows to draw at a position: first, and how many, with one to spare at either end. */
export function visible(position: number, list: List): { first: number; count: number } {
  const first = Math.max(0, Math.floor(position / list.rowPx) - 1)
  const end = Math.min(list.rows, Math.ceil((position + list.viewPx) / list.rowPx) + 1)
  return { first, count: Math.max(0, end - first) }
}

/** The position nearest to `position` at which a row is wholly in view. */
export function reveal(row: number, position: number, list: List): number {
  const top = row * list.rowPx
  if (top < position) return clampPosition(top, list)
  if (top + list.rowPx > position + list.viewPx) return clampPosition(top + list.rowPx - list.viewPx, list)
  return position
}

/** The position after rows were added above: whoever stands at the top follows, whoever reads on stays at the same row. */
export function afterGrowth(position: number, added: number, rowPx: number): number {
  return position > 0 && added > 0 ? position + added * rowPx : position
}

/** The row that a key leads to; `null` for other keys. */
export function rowOfKey(key: string, row: number, list: List): number | null {
  const page = Math.max(1, Math.floor(list.viewPx / list.rowPx) - 1)
  const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[key]
  if (step === undefined || list.rows === 0) return null
  return Math.min(list.rows - 1, Math.max(0, row + step))
}
