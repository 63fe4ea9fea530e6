// Talking through a camera: the microphone is open only while something is held.

import { asWireError, type Client, type WireError } from '../ipc/client'

/** The engine closes the microphone after this, and so does the window. Milliseconds. */
export const TALK_MS = 60_000

/** A button that is held to talk. */
export class Talk {
  readonly #client: Pick<Client, 'talk'>
  readonly #camera: string
  state = $state<'off' | 'opening' | 'on'>('off')
  /** Since when the microphone is open, by the clock of the page. Milliseconds. */
  sinceMs = $state(0)
  error = $state.raw<WireError | null>(null)
  #held = false
  /** Presses so far: what comes of an earlier one says nothing about the newest. */
  #presses = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: Pick<Client, 'talk'>, camera: string) {
    this.#client = client
    this.#camera = camera
  }

  /** The button is held. */
  async press(): Promise<void> {
    if (this.#held) return
    this.#held = true
    const press = ++this.#presses
    const isOver = () => !this.#held || press !== this.#presses
    this.error = null
    this.state = 'opening'
    this.#timer = setTimeout(() => this.release(), TALK_MS)
    try {
      await this.#client.talk(this.#camera, true)
      // Let go while it was opening: the close is on its way already.
      if (isOver()) return
      this.state = 'on'
      this.sinceMs = Date.now()
    } catch (thrown) {
      // The engine refuses what was let go before the microphone was open; that is what was wanted.
      if (isOver()) return
      clearTimeout(this.#timer)
      this.#held = false
      this.state = 'off'
      this.error = asWireError(thrown)
    }
  }

  /** Whatever ends the holding: release, lost focus, a minute, the page. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    const press = this.#presses
    clearTimeout(this.#timer)
    this.state = 'off'
    this.#client.talk(this.#camera, false).catch((thrown: unknown) => {
      // The microphone may be open still, unless it was asked for again.
      if (press === this.#presses) this.error = asWireError(thrown)
    })
  }
}
