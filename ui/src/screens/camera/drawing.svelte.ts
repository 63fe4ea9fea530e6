// Shapes while they are drawn: which are there, which were changed, and the way back.

import type { Point } from '../../ipc/client'
import { addCorner, covers, moveCorner, moveShape, rectangle, removeCorner, sameShape } from './shapes'

/** A shape on the picture. */
export interface Shape {
  /** Unique while it is drawn. */
  key: string
  corners: Point[]
  /** As it was when it came; `null` for a new one. */
  saved: Point[] | null
}

/** What the pointer does. */
export type Tool = 'edit' | 'rectangle' | 'polygon'

/** Steps that can be taken back. */
const STEPS_MOST = 100

/** The shapes on one picture. */
export class Drawing {
  shapes = $state.raw<Shape[]>([])
  selected = $state<string | null>(null)
  tool = $state<Tool>('edit')
  /** Corners of a polygon that is not closed yet. */
  open = $state.raw<Point[]>([])
  /** Whether shapes must stay upright rectangles. */
  upright = $state(false)
  /** How many corners a shape may have. */
  cornersMost = $state(64)
  #past = $state.raw<Shape[][]>([])
  #made = 0

  get current(): Shape | null {
    return this.shapes.find((shape) => shape.key === this.selected) ?? null
  }

  get canUndo(): boolean {
    return this.#past.length > 0 || this.open.length > 0
  }

  /** Whether anything differs from what came. */
  get isChanged(): boolean {
    return this.shapes.some((shape) => isChanged(shape))
  }

  /** Takes what came; shapes of `pending` stay as they were drawn. */
  take(saved: { key: string; corners: Point[] }[], pending: Shape[] = []): void {
    const came = saved.map(({ key, corners }) => {
      const drawn = pending.find((shape) => shape.key === key && shape.saved !== null)
      return { key, corners: drawn?.corners ?? corners, saved: corners }
    })
    this.shapes = [...came, ...pending.filter((shape) => shape.saved === null)]
    this.#past = []
    this.open = []
    if (this.current === null) this.selected = null
  }

  /** Begins a step that can be taken back as one. */
  remember(): void {
    this.#past = [...this.#past, this.shapes].slice(-STEPS_MOST)
  }

  /** Takes the last step back. */
  undo(): void {
    if (this.open.length > 0) {
      this.open = this.open.slice(0, -1)
      return
    }
    const before = this.#past.at(-1)
    if (before === undefined) return
    this.#past = this.#past.slice(0, -1)
    this.shapes = before
    if (this.current === null) this.selected = null
  }

  /** Adds a shape and chooses it; `false` if it covers nothing. */
  add(corners: Point[]): boolean {
    if (!covers(corners)) return false
    this.remember()
    this.#made += 1
    const key = `new-${this.#made}`
    this.shapes = [...this.shapes, { key, corners, saved: null }]
    this.selected = key
    this.tool = 'edit'
    this.open = []
    return true
  }

  /** Adds a rectangle in the middle: the way in without a pointer. */
  addMiddle(): void {
    this.add(rectangle({ x: 0.4, y: 0.4 }, { x: 0.6, y: 0.6 }))
  }

  /** A click of the polygon tool. */
  addOpen(point: Point): void {
    const last = this.open.at(-1)
    // The second half of a double click is no corner of its own.
    if (last !== undefined && Math.hypot(point.x - last.x, point.y - last.y) < 0.004) return
    if (this.open.length < this.cornersMost) this.open = [...this.open, point]
  }

  /** Closes the polygon. */
  close(): boolean {
    const corners = this.open
    this.open = []
    return this.add(corners)
  }

  moveCorner(key: string, index: number, to: Point): void {
    this.#change(key, (corners) => moveCorner(corners, index, to, this.upright))
  }

  moveShape(key: string, dx: number, dy: number): void {
    this.#change(key, (corners) => moveShape(corners, dx, dy))
  }

  addCorner(key: string, index: number): void {
    const shape = this.shapes.find((one) => one.key === key)
    if (this.upright || shape === undefined || shape.corners.length >= this.cornersMost) return
    this.remember()
    this.#change(key, (corners) => addCorner(corners, index))
  }

  removeCorner(key: string, index: number): void {
    if (this.upright) return
    this.remember()
    this.#change(key, (corners) => removeCorner(corners, index))
  }

  remove(key: string): void {
    this.remember()
    this.shapes = this.shapes.filter((shape) => shape.key !== key)
    if (this.selected === key) this.selected = null
  }

  #change(key: string, how: (corners: Point[]) => Point[]): void {
    this.shapes = this.shapes.map((shape) => (shape.key === key ? { ...shape, corners: how(shape.corners) } : shape))
  }
}

/** Whether a shape differs from what came. */
export function isChanged(shape: Shape): boolean {
  return shape.saved === null || !sameShape(shape.corners, shape.saved)
}
