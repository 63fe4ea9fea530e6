// Sums about shapes on a picture. Points are 0 to 1 from the upper left corner.

import type { Point } from '../../ipc/client'
import type { Rect } from '../../state/places'

/** A step of an arrow key, and with Shift. */
export const STEP = 0.005
export const STEP_FAR = 0.05
/** Below this part of the picture, a shape covers nothing. */
const AREA_LEAST = 0.0002

const clamp = (value: number) => Math.min(1, Math.max(0, value))
const short = (value: number) => Math.round(clamp(value) * 10_000) / 10_000

/** The nearest point inside the picture, to four places, as it is written. */
export function inside({ x, y }: Point): Point {
  return { x: short(x), y: short(y) }
}

/** Where a picture of this aspect stands in a box that it does not fill. */
export function fitted(box: Rect, aspect: number): Rect {
  if (box.width <= 0 || box.height <= 0) return box
  const width = Math.min(box.width, box.height * aspect)
  const height = width / aspect
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height }
}

/** The point of the picture under a pointer. */
export function pointAt(clientX: number, clientY: number, rect: Rect): Point {
  return inside({ x: (clientX - rect.x) / rect.width, y: (clientY - rect.y) / rect.height })
}

/** The upright rectangle between two points, from its upper left corner on, clockwise. */
export function rectangle(a: Point, b: Point): Point[] {
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)]
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)]
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ].map(inside)
}

/** Whether these corners are an upright rectangle. */
export function isRectangle(corners: Point[]): boolean {
  if (corners.length !== 4) return false
  const xs = new Set(corners.map(({ x }) => short(x)))
  const ys = new Set(corners.map(({ y }) => short(y)))
  return xs.size === 2 && ys.size === 2 && corners.every((corner, i) => {
    const next = corners[(i + 1) % 4]
    return next !== undefined && (short(corner.x) === short(next.x)) !== (short(corner.y) === short(next.y))
  })
}

/** Moves one corner. Of a shape that must stay upright, the two beside it follow. */
export function moveCorner(corners: Point[], index: number, to: Point, upright: boolean): Point[] {
  const at = inside(to)
  const old = corners[index]
  if (old === undefined) return corners
  const keeps = upright && isRectangle(corners)
  return corners.map((corner, i) => {
    if (i === index) return at
    if (!keeps) return corner
    return { x: corner.x === old.x ? at.x : corner.x, y: corner.y === old.y ? at.y : corner.y }
  })
}

/** Moves the whole shape, as far as all of it stays in the picture. */
export function moveShape(corners: Point[], dx: number, dy: number): Point[] {
  const xs = corners.map(({ x }) => x)
  const ys = corners.map(({ y }) => y)
  const byX = Math.min(Math.max(dx, -Math.min(...xs)), 1 - Math.max(...xs))
  const byY = Math.min(Math.max(dy, -Math.min(...ys)), 1 - Math.max(...ys))
  return corners.map(({ x, y }) => inside({ x: x + byX, y: y + byY }))
}

/** Adds a corner in the middle of the edge after `index`. */
export function addCorner(corners: Point[], index: number): Point[] {
  const [a, b] = [corners[index], corners[(index + 1) % corners.length]]
  if (a === undefined || b === undefined) return corners
  const between = inside({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
  return [...corners.slice(0, index + 1), between, ...corners.slice(index + 1)]
}

/** Takes a corner away; three stay. */
export function removeCorner(corners: Point[], index: number): Point[] {
  return corners.length <= 3 ? corners : corners.filter((_, i) => i !== index)
}

/** How much of the picture a shape covers, 0 to 1. */
export function area(corners: Point[]): number {
  let twice = 0
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length]
    if (b !== undefined) twice += a.x * b.y - b.x * a.y
  })
  return Math.abs(twice) / 2
}

/** Whether a shape covers anything. */
export function covers(corners: Point[]): boolean {
  return corners.length >= 3 && area(corners) >= AREA_LEAST
}

/** The step of an arrow key; `null` for other keys. */
export function arrowStep(key: string, far: boolean): Point | null {
  const step = far ? STEP_FAR : STEP
  switch (key) {
    case 'ArrowLeft':
      return { x: -step, y: 0 }
    case 'ArrowRight':
      return { x: step, y: 0 }
    case 'ArrowUp':
      return { x: 0, y: -step }
    case 'ArrowDown':
      return { x: 0, y: step }
    default:
      return null
  }
}

/** Whether two shapes are the same. */
export function sameShape(a: Point[], b: Point[]): boolean {
  return a.length === b.length && a.every((point, i) => short(point.x) === short(b[i]?.x ?? -1) && short(point.y) === short(b[i]?.y ?? -1))
}
