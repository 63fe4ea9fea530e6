// Cameras that are played in step: what the engine says of them, and what it is told.

import { asWireError, type Client, type TogetherOrder, type TogetherState, type WireError } from '../../ipc/client'

/** The fewest and the most cameras. */
export const FEWEST = 2
export const MOST = 9
/** Speeds that are offered. */
export const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16]

/** Columns of a grid of so many pictures. */
export function columnsOf(count: number): number {
  return Math.ceil(Math.sqrt(count))
}

/** The speed next to `speed`, faster (1) or slower (-1), in the same direction of time. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const index = SPEEDS.findIndex((offered) => offered >= Math.abs(speed))
  const to = (index < 0 ? SPEEDS.length - 1 : index) + direction
  return Math.sign(speed || 1) * (SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, to))] ?? 1)
}

/** `chosen` with a camera more or less; never more than are played together. */
export function toggled(chosen: string[], camera: string): string[] {
  if (chosen.includes(camera)) return chosen.filter((one) => one !== camera)
  return chosen.length < MOST ? [...chosen, camera] : chosen
}

// Whoever opens waits until those before are closed, so that a late close cannot hit the new ones.
let closing: Promise<unknown> = Promise.resolve()

export class OpenTogether {
  readonly #client: Client
  state = $state.raw<TogetherState | null>(null)
  error = $state.raw<WireError | null>(null)
  /** How often cameras were chosen: an answer to an older choice is not shown. */
  #asked = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Listens; the returned function ends it, and closes what is open. */
  follow(): () => void {
    const end = this.#client.on('together', (state) => {
      if (this.state !== null && sameCameras(this.state, state)) this.state = state
    })
    return () => {
      this.#asked += 1
      end()
      closing = closing.then(() => this.#client.closeTogether()).catch(() => undefined)
    }
  }

  /** Plays these cameras from a moment on, instead of those before. */
  async open(cameras: string[], atUs: number): Promise<void> {
    const asked = (this.#asked += 1)
    this.error = null
    const opening = closing.then(async () => {
      if (asked !== this.#asked) return null
      if (cameras.length >= FEWEST) return this.#client.openTogether(cameras, Math.round(atUs))
      await this.#client.closeTogether()
      return null
    })
    closing = opening.catch(() => undefined)
    try {
      const state = await opening
      if (asked === this.#asked) this.state = state
    } catch (thrown) {
      if (asked === this.#asked) this.error = asWireError(thrown)
    }
  }

  async order(order: TogetherOrder): Promise<void> {
    if (this.state === null) return
    try {
      // The new state comes as an event.
      await this.#client.together(order)
      this.error = null
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  toggle(): Promise<void> {
    return this.order({ do: this.state?.playing ? 'pause' : 'play' })
  }

  seek(us: number): Promise<void> {
    return this.order({ do: 'seek', to_us: Math.round(us) })
  }

  seekBy(us: number): Promise<void> {
    return this.state === null ? Promise.resolve() : this.seek(this.state.at_us + us)
  }

  speed(direction: 1 | -1): Promise<void> {
    return this.order({ do: 'speed', speed: nextSpeed(this.state?.speed ?? 1, direction) })
  }

  /** Turns the direction of time. */
  reverse(): Promise<void> {
    return this.order({ do: 'speed', speed: -(this.state?.speed ?? 1) })
  }
}

function sameCameras(one: TogetherState, other: TogetherState): boolean {
  return one.seats.length === other.seats.length && one.seats.every((seat, index) => seat.camera === other.seats[index]?.camera)
}
