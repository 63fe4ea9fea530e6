// Draws the lanes on a canvas: what was recorded, how often something happened, why there is nothing, and what is marked.

import type { BookmarkView, CameraLane, EventKind, GapReason } from '../../ipc/client'
import type { LaneName, LaneTiles, Tile } from './tiles.svelte'
import { lengthOf, type Tick, type Window } from './timeline'

/** The colours of the theme that is shown. */
export interface Colours {
  lane: string
  line: string
  faint: string
  text: string
  recorded: string
  head: string
  headInk: string
  warn: string
  now: string
  accent: string
  person: string
  vehicle: string
  bad: string
  other: string
}

/** Reads the colours that hold for an element. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element)
  const of = (name: string) => style.getPropertyValue(name).trim()
  return {
    lane: of('--lane'),
    line: of('--line'),
    faint: of('--faint'),
    text: of('--text'),
    recorded: of('--recorded'),
    head: of('--head'),
    headInk: of('--head-ink'),
    warn: of('--warn'),
    now: of('--rec'),
    accent: of('--accent'),
    person: of('--person'),
    vehicle: of('--vehicle'),
    bad: of('--bad'),
    other: of('--muted'),
  }
}

/** What kinds share a colour, from below in a bar. */
const GROUPS = ['accent', 'person', 'vehicle', 'bad', 'other'] as const
type Group = (typeof GROUPS)[number]

/** The colour of a kind; the same as everywhere in the window. */
export function groupOf(kind: EventKind): Group {
  switch (kind) {
    case 'person':
    case 'doorbell':
      return 'person'
    case 'vehicle':
    case 'animal':
      return 'vehicle'
    case 'tamper':
      return 'bad'
    case 'input':
    case 'unknown':
      return 'other'
    case 'motion':
    case 'face':
    case 'package':
    case 'line':
    case 'intrusion':
    case 'sound':
      return 'accent'
  }
}

/** Gaps that nobody wanted stand out. */
const UNWANTED: readonly GapReason[] = ['unreachable', 'sign_in_refused', 'no_picture', 'disk_full', 'not_running']

/** Everything that a picture of the timeline is made of. */
export interface Scene {
  window: Window
  widthPx: number
  lanePx: number
  lanes: LaneName[]
  tiles: LaneTiles
  ticks: Tick[]
  /** Only these kinds; empty: all. */
  kinds: EventKind[]
  bookmarks: BookmarkView[]
  headUs: number | null
  pointerUs: number | null
  nowUs: number
  /** The lane that keys lead to. */
  chosen: string | null
  colours: Colours
}

/** Height of what stands in a lane, for one of this height. */
export function barPx(lanePx: number): number {
  return lanePx - (lanePx >= 22 ? 8 : 5)
}

/** As many events as fill a bar, for buckets of a length. */
function fullCount(bucketUs: number): number {
  return Math.max(8, bucketUs / 60_000_000)
}

/** How high a bar of `count` events stands, 0 to 1: each tenfold looks alike, so that one event is seen beside a thousand. */
export function heightOf(count: number, bucketUs: number): number {
  if (count <= 0) return 0
  return Math.min(1, 0.3 + 0.7 * (Math.log(count) / Math.log(fullCount(bucketUs))))
}

/** Draws all lanes; the canvas is `widthPx` wide and scaled already. */
export function draw(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { widthPx, lanePx, lanes, window, colours } = scene
  const height = lanes.length * lanePx
  const x = (us: number) => ((us - window.fromUs) / lengthOf(window)) * widthPx
  const bar = barPx(lanePx)
  ctx.clearRect(0, 0, widthPx, height)
  const rows = new Map(lanes.map((lane, at) => [lane.camera, at * lanePx + (lanePx - bar) / 2]))
  ctx.fillStyle = colours.lane
  for (const top of rows.values()) ctx.fillRect(0, top, widthPx, bar)
  ctx.fillStyle = colours.line
  for (const tick of scene.ticks) ctx.fillRect(Math.round(x(tick.us)), 0, 1, height)
  const pieces = scene.tiles.pieces(window)
  const hatches = { wanted: hatch(ctx, colours.line, x(0)), unwanted: hatch(ctx, colours.warn, x(0)) }
  for (const { from, to, tile } of pieces) {
    const piece: Piece = { ctx, x, from, to, tile, bar, colours, kinds: scene.kinds, hatches }
    for (const lane of tile.answer.lanes) {
      const top = rows.get(lane.camera)
      if (top !== undefined) drawLane(piece, lane, top)
    }
  }
  ctx.strokeStyle = colours.line
  ctx.lineWidth = 1
  for (const [camera, top] of rows) {
    ctx.strokeStyle = camera === scene.chosen ? colours.faint : colours.line
    ctx.strokeRect(0.5, Math.round(top) + 0.5, widthPx - 1, Math.round(bar) - 1)
  }
  for (const bookmark of scene.bookmarks) {
    const top = rows.get(bookmark.camera)
    const at = x(bookmark.at_us)
    if (top !== undefined && at >= -8 && at <= widthPx + 8) flag(ctx, Math.round(at), Math.round(top), Math.round(bar), colours)
  }
  const now = x(scene.nowUs)
  if (now >= 0 && now <= widthPx) {
    ctx.fillStyle = colours.now
    ctx.fillRect(Math.round(now), 0, 1, height)
  }
  if (scene.pointerUs !== null) {
    ctx.fillStyle = colours.faint
    ctx.fillRect(Math.round(x(scene.pointerUs)), 0, 1, height)
  }
  if (scene.headUs !== null) {
    const head = x(scene.headUs)
    if (head >= -1 && head <= widthPx + 1) {
      ctx.fillStyle = colours.head
      ctx.fillRect(Math.round(head) - 1, 0, 2, height)
    }
  }
}

interface Piece {
  ctx: CanvasRenderingContext2D
  x: (us: number) => number
  from: number
  to: number
  tile: Tile
  bar: number
  colours: Colours
  kinds: EventKind[]
  hatches: { wanted: CanvasPattern | string; unwanted: CanvasPattern | string }
}

function drawLane(piece: Piece, lane: CameraLane, top: number): void {
  const { ctx, from, to, bar, colours } = piece
  // Between whole pixels, pieces that meet would show a seam.
  const clamped = (start: number, end: number, least = 0): [number, number] | null => {
    if (end < from || start > to || (start === to && end > to)) return null
    const left = Math.round(piece.x(Math.max(start, from)))
    const right = Math.round(piece.x(Math.min(end, to)))
    return [left, Math.max(least, right - left)]
  }
  for (const gap of lane.gaps) {
    const at = clamped(gap.from_us, gap.to_us, 1)
    if (at === null) continue
    ctx.fillStyle = UNWANTED.includes(gap.reason) ? piece.hatches.unwanted : piece.hatches.wanted
    ctx.fillRect(at[0], top, at[1], bar)
  }
  const stripe = bar >= 12 ? 5 : 4
  const base = top + bar - stripe
  const { bucket_us, first_us } = piece.tile.answer
  ctx.fillStyle = colours.recorded
  if (bucket_us > 0) {
    drawFilled(ctx, lane.filled, (i) => clamped(first_us + i * bucket_us, first_us + (i + 1) * bucket_us), range(piece), base, stripe)
    drawDensity(piece, lane, clamped, top, base - top)
    return
  }
  for (const span of lane.recorded) {
    const at = clamped(span.from_us, span.to_us, 1)
    if (at !== null) ctx.fillRect(at[0], base, at[1], stripe)
  }
  for (const event of lane.events) {
    if (piece.kinds.length > 0 && !piece.kinds.includes(event.kind)) continue
    const at = clamped(event.from_us, event.to_us, 3)
    if (at === null) continue
    ctx.fillStyle = colours[groupOf(event.kind)]
    ctx.fillRect(at[0], top, at[1], base - top)
  }
}

/** The buckets that lie in a piece: first, and the one after the last. */
function range(piece: Piece): [number, number] {
  const { bucket_us, first_us } = piece.tile.answer
  return [Math.max(0, Math.floor((piece.from - first_us) / bucket_us)), Math.ceil((piece.to - first_us) / bucket_us)]
}

/** Buckets that are alike and follow each other are one rectangle. */
function drawFilled(
  ctx: CanvasRenderingContext2D,
  filled: number[],
  place: (bucket: number) => [number, number] | null,
  [first, end]: [number, number],
  top: number,
  height: number,
): void {
  const shade = (percent: number) => (percent === 0 ? 0 : percent >= 99 ? 1 : 0.4 + 0.5 * Math.round(percent / 25) * 0.25)
  for (let i = first; i < end && i < filled.length; ) {
    const alpha = shade(filled[i] ?? 0)
    let last = i
    while (last + 1 < end && last + 1 < filled.length && shade(filled[last + 1] ?? 0) === alpha) last += 1
    const [from, to] = [place(i), place(last)]
    if (alpha > 0 && from !== null && to !== null) {
      ctx.globalAlpha = alpha
      ctx.fillRect(from[0], top, Math.max(1, to[0] + to[1] - from[0]), height)
    }
    i = last + 1
  }
  ctx.globalAlpha = 1
}

function drawDensity(
  piece: Piece,
  lane: CameraLane,
  clamped: (start: number, end: number, least?: number) => [number, number] | null,
  top: number,
  height: number,
): void {
  const { ctx, colours } = piece
  const { bucket_us, first_us } = piece.tile.answer
  const shown = lane.density.filter(({ kind }) => piece.kinds.length === 0 || piece.kinds.includes(kind))
  if (shown.length === 0) return
  const [first, end] = range(piece)
  const sums: Record<Group, number> = { accent: 0, person: 0, vehicle: 0, bad: 0, other: 0 }
  for (let i = first; i < end; i += 1) {
    let all = 0
    for (const group of GROUPS) sums[group] = 0
    for (const { kind, counts } of shown) {
      const count = counts[i] ?? 0
      all += count
      if (count > 0) sums[groupOf(kind)] += count
    }
    if (all === 0) continue
    const at = clamped(first_us + i * bucket_us, first_us + (i + 1) * bucket_us, 1)
    if (at === null || at[1] === 0) continue
    // A line of the ground between bars that are wide enough for it.
    const width = at[1] > 5 ? at[1] - 1 : at[1]
    let rest = Math.max(2, Math.round(heightOf(all, bucket_us) * height))
    let bottom = top + height
    let left = all
    for (const group of GROUPS) {
      if (sums[group] === 0) continue
      // What is rare is seen: each colour that there is gets a pixel.
      const part = Math.max(1, Math.round((rest * sums[group]) / left))
      ctx.fillStyle = colours[group]
      ctx.fillRect(at[0], bottom - part, width, part)
      bottom -= part
      rest = Math.max(0, rest - part)
      left -= sums[group]
    }
  }
}

const hatched = new Map<string, HTMLCanvasElement>()

/** Slanted lines that move with time, so that a gap does not swim while the timeline is dragged. */
function hatch(ctx: CanvasRenderingContext2D, colour: string, originPx: number): CanvasPattern | string {
  const side = 6
  let cell = hatched.get(colour)
  if (cell === undefined) {
    cell = document.createElement('canvas')
    cell.width = cell.height = side * 2
    const pen = cell.getContext('2d')
    if (pen !== null) {
      pen.scale(2, 2)
      pen.strokeStyle = colour
      pen.lineWidth = 1.5
      for (const shift of [-side, 0, side]) {
        pen.beginPath()
        pen.moveTo(shift - 1, side + 1)
        pen.lineTo(shift + side + 1, -1)
        pen.stroke()
      }
    }
    hatched.set(colour, cell)
  }
  const pattern = ctx.createPattern(cell, 'repeat')
  pattern?.setTransform(new DOMMatrix([0.5, 0, 0, 0.5, ((originPx % side) + side) % side, 0]))
  return pattern ?? colour
}

function flag(ctx: CanvasRenderingContext2D, x: number, top: number, bar: number, colours: Colours): void {
  ctx.fillStyle = colours.text
  ctx.strokeStyle = colours.lane
  ctx.lineWidth = 2
  ctx.beginPath()
  ctx.moveTo(x - 0.5, top - 3)
  ctx.lineTo(x + 8, top + 0.5)
  ctx.lineTo(x + 1, top + 4)
  ctx.lineTo(x + 1, top + bar)
  ctx.lineTo(x - 0.5, top + bar)
  ctx.closePath()
  ctx.stroke()
  ctx.fill()
}
