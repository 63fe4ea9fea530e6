// The open clip: its player, its three questions, its neighbours.

import { asWireError, type Adjust, type Client, type ClipDetail, type ClipView, type KeptPicture, type PictureFormat, type PicturePart, type PlayerOrder, type PlayerState, type WireError } from '../../ipc/client'
import { neighbours } from './find'

/** Speeds that are offered. */
export const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]
/** Colours as they were recorded. */
export const UNCHANGED: Adjust = { brightness: 0, contrast: 1, saturation: 1, gamma: 1 }
/** A clip that begins so soon after another is its continuation. */
const NEIGHBOUR_US = 5_000_000

/** The speed next to `speed`, faster (1) or slower (-1), in the same direction of time. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const index = SPEEDS.findIndex((offered) => offered >= Math.abs(speed))
  const to = (index < 0 ? SPEEDS.length - 1 : index) + direction
  return Math.sign(speed || 1) * (SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, to))] ?? 1)
}

/** Whether `to` goes on where `from` ends, without a gap worth the name. */
export function follows(from: Pick<ClipView, 'start_us' | 'duration_us'>, to: Pick<ClipView, 'start_us'>): boolean {
  return Math.abs(to.start_us - (from.start_us + from.duration_us)) <= NEIGHBOUR_US
}

// How the clip before was played; the one that goes on from it is played in the same way.
let carried: { speed: number; adjust: Adjust; part: PicturePart | null } | null = null

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
  /** Set when playing has come to the end of the clip, or to its beginning backwards. */
  finished = $state(false)
  /** Where the span to be repeated begins, until its end is marked. */
  markedUs = $state<number | null>(null)
  /** What is seen of the picture; `null` is all of it. */
  part = $state.raw<PicturePart | null>(null)
  /** The picture that was kept last, and why one was not. */
  kept = $state.raw<KeptPicture | null>(null)
  fault = $state.raw<WireError | null>(null)
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
      this.finished = state.ended && !state.playing && (this.finished || (this.state?.playing ?? false))
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

  /** Opens it again, once what stood in the way is gone. */
  async again(): Promise<void> {
    if (this.#ended) return
    this.error = null
    const opened = await this.#open()
    // The page may have been left while it was opened: then nobody else closes it.
    if (opened && this.#ended) await this.#client.closePlayer().catch(() => undefined)
    else if (this.error === null) await this.#begin(opened, undefined)
  }

  async #begin(opened: boolean, atUs: number | undefined): Promise<void> {
    if (!opened || this.#ended) return
    if (carried !== null) {
      const { speed, adjust, part } = carried
      this.part = part
      carried = null
      if (speed < 0 && this.state !== null) await this.seek(this.state.duration_us)
      await this.order({ do: 'adjust', adjust })
      await this.order({ do: 'speed', speed })
    }
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
    // At an end, the player begins at the other one by itself.
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

  /** Turns the direction of time. */
  reverse(): Promise<void> {
    return this.order({ do: 'speed', speed: -(this.state?.speed ?? 1) })
  }

  /** The clip that playing goes on with by itself, once this one is over. */
  continuation(): ClipView | null {
    const own = this.detail?.clip
    if (own === undefined || this.state === null || this.state.repeated !== null) return null
    if (this.state.speed < 0) return this.previous !== null && follows(this.previous, own) ? this.previous : null
    return this.next !== null && follows(own, this.next) ? this.next : null
  }

  /** Keeps the picture that stands as a file of the owner's. */
  async keepPicture(format: PictureFormat): Promise<void> {
    this.fault = null
    this.kept = null
    try {
      this.kept = await this.#client.keepPlayerPicture(format)
    } catch (thrown) {
      this.fault = asWireError(thrown)
    }
    void this.refresh()
  }

  /** Keeps how this clip is played for the next one. */
  carry(): void {
    if (this.state !== null) carried = { speed: this.state.speed, adjust: this.state.adjust, part: this.part }
  }

  /** Marks the beginning or the end of the span that is repeated; both marked, it is. */
  mark(): Promise<void> {
    const here = this.state?.position_us
    if (here === undefined) return Promise.resolve()
    const from = this.markedUs
    if (from === null) {
      this.markedUs = here
      return this.order({ do: 'repeat', span: null })
    }
    this.markedUs = null
    return this.order({ do: 'repeat', span: { from_us: Math.min(from, here), to_us: Math.max(from, here) } })
  }

  /** Repeats nothing any more. */
  unmark(): Promise<void> {
    this.markedUs = null
    return this.order({ do: 'repeat', span: null })
  }

  adjust(change: Partial<Adjust>): Promise<void> {
    return this.order({ do: 'adjust', adjust: { ...(this.state?.adjust ?? UNCHANGED), ...change } })
  }
}
