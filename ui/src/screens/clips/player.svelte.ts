// The open clip: its player, its three questions, its neighbours.

import { asWireError, type Client, type ClipDetail, type ClipView, type PlayerOrder, type PlayerState, type WireError } from '../../ipc/client'
import { neighbours } from './find'

/** Speeds that are offered. */
export const SPEEDS = [0.5, 1, 2, 4, 8, 16]

/** The speed next to `speed`, faster (1) or slower (-1). */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const index = SPEEDS.findIndex((offered) => offered >= speed)
  const to = (index < 0 ? SPEEDS.length - 1 : index) + direction
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, to))] ?? speed
}

/** The position in a clip of a time, as near as the clip has one. Microseconds. */
export function positionOf(clip: Pick<PlayerState, 'start_us' | 'duration_us'>, atUs: number): number {
  return Math.round(Math.min(clip.duration_us, Math.max(0, atUs - clip.start_us)))
}

// Opening waits until the player before it is closed, so that a late close cannot hit the new clip; closing waits until
// its own opening has been answered, so that no clip is opened after it was left.
let closing: Promise<unknown> = Promise.resolve()

export class OpenClip {
  readonly id: string
  readonly #client: Client
  #ended = false
  detail = $state.raw<ClipDetail | null>(null)
  state = $state.raw<PlayerState | null>(null)
  error = $state.raw<{ code: WireError['code']; message: string } | null>(null)
  previous = $state.raw<ClipView | null>(null)
  next = $state.raw<ClipView | null>(null)

  constructor(client: Client, id: string) {
    this.#client = client
    this.id = id
  }

  /** Opens the clip, at a time of day if one is given, and listens; the returned function closes it. */
  open(atUs: number | undefined): () => void {
    const end = this.#client.on('player', (state) => {
      if (state.clip !== this.id) return
      this.state = state
      if (state.error !== null) this.error = state.error
    })
    const opening = this.#open()
    void opening.then((opened) => this.#begin(opened, atUs))
    return () => {
      this.#ended = true
      end()
      closing = opening.then((opened) => (opened ? this.#client.closePlayer() : undefined)).catch(() => undefined)
    }
  }

  /** Opens the clip unless it was left in the meantime; whether it may be open now. */
  async #open(): Promise<boolean> {
    await closing
    if (!this.#ended) await this.refresh()
    if (this.#ended) return false
    try {
      this.state = await this.#client.openClip(this.id)
      if (this.state.error !== null) this.error = this.state.error
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
    return true
  }

  async #begin(opened: boolean, atUs: number | undefined): Promise<void> {
    if (!opened || this.#ended) return
    if (atUs !== undefined && this.state !== null) await this.seek(positionOf(this.state, atUs))
    await this.order({ do: 'play' })
    // This opening now stands in the list, too.
    await this.refresh()
    await this.lookAround()
  }

  /** Looks for the clips before and after; one that ends the row may get a next one later. */
  async lookAround(): Promise<void> {
    if (this.detail === null || this.#ended) return
    const found = await neighbours(this.#client, this.detail.clip).catch(() => null)
    if (found === null) return
    this.previous = found.previous
    this.next = found.next
  }

  /** Asks again for the three questions. */
  async refresh(): Promise<void> {
    try {
      this.detail = await this.#client.clip(this.id)
    } catch (thrown) {
      this.error ??= asWireError(thrown)
    }
  }

  async order(order: PlayerOrder): Promise<void> {
    if (this.#ended || this.error !== null) return
    try {
      // The new state comes as an event.
      await this.#client.player(order)
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  toggle(): Promise<void> {
    if (this.state?.ended) return this.order({ do: 'seek', to_us: 0 }).then(() => this.order({ do: 'play' }))
    return this.order({ do: this.state?.playing ? 'pause' : 'play' })
  }

  step(frames: number): Promise<void> {
    return this.order({ do: 'step', frames })
  }

  seekBy(us: number): Promise<void> {
    if (this.state === null) return Promise.resolve()
    return this.seek(this.state.position_us + us)
  }

  seek(us: number): Promise<void> {
    const length = this.state?.duration_us ?? 0
    return this.order({ do: 'seek', to_us: Math.round(Math.min(length, Math.max(0, us))) })
  }

  speed(direction: 1 | -1): Promise<void> {
    return this.order({ do: 'speed', speed: nextSpeed(this.state?.speed ?? 1, direction) })
  }
}
