// Digital zoom: which part of a picture is shown.

import type { PicturePart } from '../ipc/client'

/** The closest: a sixteenth of each side. */
export const CLOSEST = 16
/** How much closer a notch of the wheel or a key leads. */
export const STEP = 1.25

const WHOLE: PicturePart = { left: 0, top: 0, width: 1, height: 1 }

function held(part: PicturePart): PicturePart | null {
  const side = Math.max(1 / CLOSEST, Math.min(1, part.width))
  if (side > 0.999) return null
  const at = (value: number) => Math.max(0, Math.min(1 - side, value))
  return { left: at(part.left), top: at(part.top), width: side, height: side }
}

/** Goes closer by `factor`, or away below 1; the point `x`, `y` of what is seen stays where it is. `null` is the whole picture. */
export function zoomed(part: PicturePart | null, factor: number, x = 0.5, y = 0.5): PicturePart | null {
  const from = part ?? WHOLE
  const side = Math.max(1 / CLOSEST, Math.min(1, from.width / factor))
  return held({ left: from.left + (from.width - side) * x, top: from.top + (from.height - side) * y, width: side, height: side })
}

/** Moves by parts of what is seen. */
export function panned(part: PicturePart | null, across: number, down: number): PicturePart | null {
  if (part === null) return null
  return held({ ...part, left: part.left + across * part.width, top: part.top + down * part.height })
}

/** Where a point of the element lies in the picture, which is as large as it fits: 0 to 1 each way. */
export function pointIn(rect: { x: number; y: number; width: number; height: number }, aspect: number | null, x: number, y: number): { x: number; y: number } {
  const shape = aspect ?? rect.width / rect.height
  const width = Math.min(rect.width, rect.height * shape)
  const height = Math.min(rect.height, rect.width / shape)
  const part = (at: number, from: number, room: number, length: number) => Math.max(0, Math.min(1, (at - from - (room - length) / 2) / length))
  return { x: part(x, rect.x, rect.width, width), y: part(y, rect.y, rect.height, height) }
}

/** How close it is, for the eye: 1 is the whole picture. */
export function factorOf(part: PicturePart | null): number {
  return part === null ? 1 : 1 / part.width
}

/** What a key shows: Z closer, Shift+Z away, Ctrl and arrows move, 0 all of it. `undefined`: the key is none of these. */
export function partOfKey(part: PicturePart | null, event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'shiftKey'>): PicturePart | null | undefined {
  const { key, ctrlKey, shiftKey } = event
  if (ctrlKey && part !== null) {
    const ways: Record<string, [number, number]> = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, -0.2], ArrowDown: [0, 0.2] }
    const way = ways[key]
    if (way !== undefined) return panned(part, ...way)
  }
  if (!ctrlKey && key.toLowerCase() === 'z') return zoomed(part, shiftKey ? 1 / STEP : STEP)
  if (!ctrlKey && key === '0' && part !== null) return null
  return undefined
}
