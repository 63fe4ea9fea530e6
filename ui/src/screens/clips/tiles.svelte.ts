// What the timeline knows of the lanes, in tiles of time: only what is missing is asked for, and what is old stays until
// the new is here.

import { HOUR_US, MINUTE_US } from '../../i18n/time'
import type { CameraLane, Client, EventKind, EventMark, Gap, Lanes } from '../../ipc/client'
import { asWireError, type WireError } from '../../ipc/client'
import { DAY_US, lengthOf, type Window } from './timeline'

/** Lengths of tiles; each is a whole number of the one before. */
export const TILES_US = [15 * MINUTE_US, 45 * MINUTE_US, 3 * HOUR_US, 12 * HOUR_US, 2 * DAY_US, 8 * DAY_US, 32 * DAY_US, 128 * DAY_US]
/** Asked for at the same time. */
const ASKED_MAX = 2
/** Kept, the last used ones. */
const KEPT_MAX = 240
/** What has grown is asked for again no sooner than this. Milliseconds. */
const AGAIN_MS = 2_000
/** What a wheel passes by is not asked for. Milliseconds. */
const REST_MS = 40

/** The lanes of a stretch of time. */
export interface Tile extends Window {
  answer: Lanes
}

interface Kept extends Window {
  answer: Lanes | null
  stale: boolean
  asked: boolean
  failedMs: number
  askedMs: number
  used: number
}

/** A camera that has a lane. */
export interface LaneName {
  camera: string
  name: string
}

/** What there is at a place of a lane. */
export interface Place {
  event: EventMark | null
  gap: Gap | null
  recorded: boolean
  /** Events of the bucket here, by kind; where there are buckets. */
  counts: { kind: EventKind; count: number }[]
  /** Whether it is known at all yet. */
  known: boolean
}

/** The length of the tiles that show a window: a few of them cover it. */
export function tileLength(window: Window): number {
  return TILES_US.find((us) => us >= lengthOf(window) / 4) ?? TILES_US[TILES_US.length - 1]!
}

/** The stretch of a tile. */
export function tileAt(us: number, length: number): Window {
  const fromUs = Math.floor(us / length) * length
  return { fromUs, toUs: fromUs + length }
}

export class LaneTiles {
  readonly #client: Pick<Client, 'lanes'>
  readonly #nowMs: () => number
  readonly #kept = new Map<string, Kept>()
  #window: Window | null = null
  #asking = 0
  #uses = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting = false
  #ended = false
  /** Counts what has come, so that whoever draws draws again. */
  version = $state(0)
  /** Cameras in the order of their lanes. */
  names = $state.raw<LaneName[]>([])
  /** Kinds of which something was seen. */
  kinds = $state.raw<EventKind[]>([])
  error = $state.raw<WireError | null>(null)
  /** Whether anything was answered yet: what stands below the timeline waits for it, else it would move under the pointer. */
  answered = $state(false)

  constructor(client: Pick<Client, 'lanes'>, nowMs: () => number = () => Date.now()) {
    this.#client = client
    this.#nowMs = nowMs
  }

  /** This window is shown from now on. */
  want(window: Window): void {
    const before = this.#window
    this.#window = window
    // Whoever moves on at the same zoom is told on the way; what zooming passes by is not asked for.
    if (before !== null && this.#waiting && tileLength(before) === tileLength(window)) return
    this.#later(REST_MS)
  }

  /** Something was recorded, happened or went: what is known is old. */
  refresh(): void {
    for (const tile of this.#kept.values()) tile.stale = true
    this.#later(REST_MS)
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  /** The pieces that cover a window, in order: from the tiles of its length, else from coarser or finer ones that are here. */
  pieces(window: Window): { from: number; to: number; tile: Tile }[] {
    const length = tileLength(window)
    const found: { from: number; to: number; tile: Tile }[] = []
    for (let at = tileAt(window.fromUs, length); at.fromUs < window.toUs; at = tileAt(at.toUs, length)) {
      const [from, to] = [Math.max(at.fromUs, window.fromUs), Math.min(at.toUs, window.toUs)]
      const own = this.#of(at.fromUs, length)
      if (own !== null) found.push({ from, to, tile: own })
      else found.push(...this.#instead(from, to, length))
    }
    return found
  }

  /** Whether everything in a window is here, at its own length. */
  complete(window: Window): boolean {
    const length = tileLength(window)
    for (let at = tileAt(window.fromUs, length); at.fromUs < window.toUs; at = tileAt(at.toUs, length)) {
      if (this.#of(at.fromUs, length) === null) return false
    }
    return true
  }

  /** What there is of a camera at a moment, give or take `slackUs`. */
  at(camera: string, us: number, slackUs: number, window: Window, kinds: EventKind[]): Place {
    const place: Place = { event: null, gap: null, recorded: false, counts: [], known: false }
    const piece = this.pieces({ ...window, fromUs: us, toUs: us + 1 + lengthOf(window) / 1e6 }).find(({ from, to }) => us >= from && us <= to) ?? this.pieces(window).find(({ from, to }) => us >= from && us <= to)
    const lane = piece?.tile.answer.lanes.find((one) => one.camera === camera)
    if (piece === undefined || lane === undefined) return place
    place.known = true
    const { bucket_us, first_us } = piece.tile.answer
    if (bucket_us > 0) {
      const bucket = Math.floor((us - first_us) / bucket_us)
      place.recorded = (lane.filled[bucket] ?? 0) > 0
      for (const { kind, counts } of lane.density) {
        const count = counts[bucket] ?? 0
        if (count > 0 && (kinds.length === 0 || kinds.includes(kind))) place.counts.push({ kind, count })
      }
    } else {
      // A clip that is thinner than the pointer is found too.
      place.recorded = lane.recorded.some((span) => us >= span.from_us - slackUs && us <= span.to_us + slackUs)
      let nearest = Infinity
      for (const event of lane.events) {
        if (kinds.length > 0 && !kinds.includes(event.kind)) continue
        const away = us < event.from_us ? event.from_us - us : us > event.to_us ? us - event.to_us : 0
        if (away <= slackUs && away <= nearest) [nearest, place.event] = [away, event]
      }
    }
    if (!place.recorded) place.gap = lane.gaps.find((gap) => us >= gap.from_us && us <= gap.to_us) ?? null
    return place
  }

  #of(fromUs: number, length: number): (Tile & Kept) | null {
    const tile = this.#kept.get(`${length} ${fromUs}`)
    if (tile === undefined || tile.answer === null) return null
    tile.used = this.#uses += 1
    return tile as Tile & Kept
  }

  /** Whatever is known of a stretch whose own tile is not here yet. */
  #instead(from: number, to: number, length: number): { from: number; to: number; tile: Tile }[] {
    for (const coarser of TILES_US.filter((us) => us > length)) {
      const at = tileAt(from, coarser)
      const tile = this.#of(at.fromUs, coarser)
      if (tile !== null && at.toUs >= to) return [{ from, to, tile }]
    }
    const finer = TILES_US.filter((us) => us < length).at(-1)
    if (finer === undefined) return []
    const found: { from: number; to: number; tile: Tile }[] = []
    for (let at = tileAt(from, finer); at.fromUs < to; at = tileAt(at.toUs, finer)) {
      const tile = this.#of(at.fromUs, finer)
      if (tile !== null) found.push({ from: Math.max(from, at.fromUs), to: Math.min(to, at.toUs), tile })
    }
    return found
  }

  #later(ms: number): void {
    clearTimeout(this.#timer)
    this.#waiting = !this.#ended
    if (!this.#ended) this.#timer = setTimeout(() => this.#ask(), ms)
  }

  /** Asks for what is missing, the middle of the window first; then for what is old; then for what lies beside. */
  #ask(): void {
    this.#waiting = false
    if (this.#ended || this.#window === null) return
    const window = this.#window
    const length = tileLength(window)
    const middle = (window.fromUs + window.toUs) / 2
    const now = this.#nowMs()
    const wanted: { at: Window; kept: Kept | undefined; order: number }[] = []
    const first = tileAt(window.fromUs, length).fromUs - length
    for (let at = tileAt(first, length); at.fromUs < window.toUs + length; at = tileAt(at.toUs, length)) {
      const kept = this.#kept.get(`${length} ${at.fromUs}`)
      if (kept?.asked) continue
      const beside = at.toUs <= window.fromUs || at.fromUs >= window.toUs
      const missing = kept === undefined || kept.answer === null
      if (!missing && (!kept.stale || beside)) continue
      const away = Math.abs((at.fromUs + at.toUs) / 2 - middle) / length
      wanted.push({ at, kept, order: away + (beside ? 200 : missing ? 0 : 100) })
    }
    wanted.sort((a, b) => a.order - b.order)
    let again = Infinity
    for (const { at, kept } of wanted) {
      if (this.#asking >= ASKED_MAX) return
      const rest = Math.max(kept?.askedMs ?? 0, kept?.failedMs ?? 0) + AGAIN_MS - now
      if (kept !== undefined && rest > 0) again = Math.min(again, rest)
      else void this.#fetch(at, length)
    }
    if (again < Infinity) this.#later(again)
  }

  async #fetch(at: Window, length: number): Promise<void> {
    const key = `${length} ${at.fromUs}`
    const kept: Kept = this.#kept.get(key) ?? { ...at, answer: null, stale: false, asked: false, failedMs: 0, askedMs: 0, used: 0 }
    this.#kept.set(key, kept)
    Object.assign(kept, { asked: true, stale: false, askedMs: this.#nowMs() })
    this.#asking += 1
    try {
      const answer = await this.#client.lanes(at.fromUs, at.toUs)
      if (this.#ended) return
      kept.answer = answer
      this.#learn(answer.lanes)
      this.#forgetOldest()
      this.error = null
      this.version += 1
    } catch (thrown) {
      if (this.#ended) return
      Object.assign(kept, { failedMs: this.#nowMs(), stale: true })
      this.error = asWireError(thrown)
    } finally {
      kept.asked = false
      this.#asking -= 1
    }
    this.answered = true
    this.#later(0)
  }

  #learn(lanes: CameraLane[]): void {
    const known = new Map(this.names.map((lane) => [lane.camera, lane.name]))
    if (lanes.some((lane) => known.get(lane.camera) !== lane.camera_name)) {
      const fresh = lanes.map((lane) => ({ camera: lane.camera, name: lane.camera_name }))
      // A camera that was removed has a lane only where there is something of it: it keeps its place below the others.
      const rest = this.names.filter((lane) => !fresh.some((one) => one.camera === lane.camera))
      const isNew = fresh.some((lane) => !known.has(lane.camera))
      this.names = isNew || rest.length === 0 ? [...fresh, ...rest] : this.names.map((lane) => fresh.find((one) => one.camera === lane.camera) ?? lane)
    }
    const kinds = new Set(this.kinds)
    for (const lane of lanes) {
      for (const { kind } of lane.density) kinds.add(kind)
      for (const { kind } of lane.events) kinds.add(kind)
    }
    if (kinds.size !== this.kinds.length) this.kinds = [...kinds]
  }

  #forgetOldest(): void {
    if (this.#kept.size <= KEPT_MAX) return
    const oldest = [...this.#kept].filter(([, tile]) => !tile.asked).sort(([, a], [, b]) => a.used - b.used)
    for (const [key] of oldest.slice(0, this.#kept.size - KEPT_MAX)) this.#kept.delete(key)
  }
}
