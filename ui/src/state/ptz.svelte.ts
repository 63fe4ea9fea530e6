// Turning a camera by hand. It moves only while something is held: the engine stops it after a second, so the order is
// repeated, and whatever ends the holding sends a stop.

import type { Client, PtzAbilities, PtzVector } from '../ipc/client'
import type { Rect } from './places'

/** Pause between two orders of the same move. Milliseconds; the camera stops by itself after 1000. */
export const REPEAT_MS = 400
/** How long one notch of the wheel zooms. Milliseconds. */
export const NOTCH_MS = 250
/** How often a stop that failed is tried again. */
const STOP_TRIES = 3
/** Part of the way from the middle to the edge in which nothing moves. */
const STILL_PART = 0.08

/** Not moving. */
export const STILL: PtzVector = { pan: 0, tilt: 0, zoom: 0 }

/** The speed for a pointer at `x`, `y` over a picture: the farther from the middle, the faster. */
export function speedAt(x: number, y: number, rect: Rect): PtzVector {
  const across = axis((x - rect.x - rect.width / 2) / (rect.width / 2))
  const up = axis((rect.y + rect.height / 2 - y) / (rect.height / 2))
  return { pan: across, tilt: up, zoom: 0 }
}

function axis(part: number): number {
  const way = Math.min(1, Math.abs(part))
  if (!Number.isFinite(way) || way <= STILL_PART) return 0
  const speed = (way - STILL_PART) / (1 - STILL_PART)
  // Slow near the middle, for small corrections.
  return Math.sign(part) * Math.round(speed ** 1.6 * 100) / 100
}

const KEYS: Record<string, PtzVector> = {
  ArrowLeft: { pan: -1, tilt: 0, zoom: 0 },
  ArrowRight: { pan: 1, tilt: 0, zoom: 0 },
  ArrowUp: { pan: 0, tilt: 1, zoom: 0 },
  ArrowDown: { pan: 0, tilt: -1, zoom: 0 },
  '+': { pan: 0, tilt: 0, zoom: 1 },
  '=': { pan: 0, tilt: 0, zoom: 1 },
  '-': { pan: 0, tilt: 0, zoom: -1 },
}

/** Speed of the arrow keys; with Shift, full speed. */
const KEY_SPEED = 0.5

/** The speed that all held keys give together. */
export function speedOf(held: Iterable<string>, fast: boolean): PtzVector {
  let [pan, tilt, zoom] = [0, 0, 0]
  for (const key of held) {
    const part = KEYS[key]
    if (part === undefined) continue
    pan += part.pan
    tilt += part.tilt
    zoom += part.zoom
  }
  const speed = fast ? 1 : KEY_SPEED
  const clamped = (value: number) => Math.max(-1, Math.min(1, value)) * speed
  return { pan: clamped(pan), tilt: clamped(tilt), zoom: clamped(zoom) }
}

/** Whether a key turns or zooms. */
export function isMoveKey(key: string): boolean {
  return key in KEYS
}

/** Leaves out what the motors cannot do. */
export function within(speed: PtzVector, abilities: PtzAbilities): PtzVector {
  return {
    pan: abilities.can_pan_tilt ? speed.pan : 0,
    tilt: abilities.can_pan_tilt ? speed.tilt : 0,
    zoom: abilities.can_zoom ? speed.zoom : 0,
  }
}

const isStill = (speed: PtzVector) => speed.pan === 0 && speed.tilt === 0 && speed.zoom === 0
const isSame = (a: PtzVector, b: PtzVector) => a.pan === b.pan && a.tilt === b.tilt && a.zoom === b.zoom

/** The motors of one camera while its picture is on the page. */
export class PtzDrive {
  readonly camera: string
  readonly abilities: PtzAbilities
  readonly #client: Pick<Client, 'ptzMove' | 'ptzStop'>
  /** What is asked of the camera now. */
  speed = $state.raw<PtzVector>(STILL)
  /** A stop was not confirmed. */
  stopFailed = $state(false)
  /** The camera does not move; why. */
  error = $state.raw<unknown>(null)
  #keys = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #notch: ReturnType<typeof setTimeout> | undefined
  #sending = false
  #stops = 0

  constructor(client: Pick<Client, 'ptzMove' | 'ptzStop'>, camera: string, abilities: PtzAbilities) {
    this.#client = client
    this.camera = camera
    this.abilities = abilities
  }

  /** Moves, or moves otherwise, until [`release`]. */
  hold(speed: PtzVector): void {
    const to = within(speed, this.abilities)
    if (isStill(to)) {
      if (!isStill(this.speed)) this.#stop()
      return
    }
    if (isSame(to, this.speed)) return
    this.speed = to
    this.error = null
    this.#move()
  }

  /** A key went down; whether it was one of these. */
  keyDown(key: string, fast: boolean): boolean {
    if (!isMoveKey(key)) return false
    this.#keys.add(key)
    this.hold(speedOf(this.#keys, fast))
    return true
  }

  /** A key went up. */
  keyUp(key: string): void {
    // With Shift, `+` goes down and `=` comes up, on some keyboards: either ends both.
    if (key === '+' || key === '=' || key === '*') {
      this.#keys.delete('+')
      this.#keys.delete('=')
    }
    this.#keys.delete(key)
    if (this.#keys.size === 0) this.release()
    else this.hold(speedOf(this.#keys, false))
  }

  /** The wheel turned by a notch: zooms for a moment. */
  wheel(deltaY: number): void {
    if (deltaY === 0 || !this.abilities.can_zoom) return
    this.hold({ pan: 0, tilt: 0, zoom: deltaY < 0 ? 0.6 : -0.6 })
    clearTimeout(this.#notch)
    this.#notch = setTimeout(() => this.release(), NOTCH_MS)
  }

  /** Nothing is held any more. */
  release(): void {
    this.#keys.clear()
    clearTimeout(this.#notch)
    if (!isStill(this.speed)) this.#stop()
  }

  /** The picture leaves the page. */
  end(): void {
    this.release()
  }

  #move(): void {
    clearTimeout(this.#timer)
    // One order at a time: a slow camera gets the newest speed, not a queue of old ones.
    if (this.#sending) return
    const asked = this.speed
    const stops = this.#stops
    this.#sending = true
    this.#client
      .ptzMove(this.camera, asked)
      .catch((thrown: unknown) => {
        if (stops !== this.#stops) return
        this.error = thrown
        this.#keys.clear()
        this.#stop()
      })
      .finally(() => {
        this.#sending = false
        if (isStill(this.speed)) return
        if (!isSame(asked, this.speed)) this.#move()
        else this.#timer = setTimeout(() => this.#move(), REPEAT_MS)
      })
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.speed = STILL
    this.#stops += 1
    void this.#confirm(this.#stops)
  }

  async #confirm(mine: number): Promise<void> {
    for (let tries = 0; tries < STOP_TRIES; tries += 1) {
      // Somebody moves it again: a late stop would end that move.
      if (mine !== this.#stops || !isStill(this.speed)) return
      try {
        await this.#client.ptzStop(this.camera)
        this.stopFailed = false
        return
      } catch {
        // Tried again at once; the camera's own limit is the last resort.
      }
    }
    this.stopFailed = true
  }
}
