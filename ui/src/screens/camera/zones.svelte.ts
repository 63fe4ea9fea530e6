// How Hausrecht itself looks for motion, and where.

import type { Client, MotionSettings } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'
import { Drawing } from './drawing.svelte'

/** Pause between two changes while a slider is dragged: each stands in the log. Milliseconds. */
const PAUSE_MS = 300

export class Zones {
  readonly #client: Client
  readonly #camera: string
  readonly drawing = new Drawing()
  readonly asked = new Ask<MotionSettings>()
  readonly still = new Ask<string>()
  readonly keeping = new Ask<null>()
  /** As the engine has it, as far as it has said yes. */
  #kept: MotionSettings | null = null
  #running: Promise<void> | null = null
  #sentMs = -PAUSE_MS

  constructor(client: Client, camera: string) {
    this.#client = client
    this.#camera = camera
  }

  async load(): Promise<void> {
    await this.asked.run(() => this.#client.motionSettings(this.#camera))
    this.#kept = this.asked.value
    this.#take()
  }

  /** Takes a still picture to draw on. */
  async picture(): Promise<void> {
    await this.still.run(() => this.#client.stillPicture(this.#camera))
  }

  /** Whether the zones differ from what is kept. */
  get isChanged(): boolean {
    if (this.asked.value === null) return false
    return this.drawing.isChanged || this.drawing.shapes.length !== this.asked.value.zones.length
  }

  /** Keeps a change of mode or sensitivity, the newest only; zones that are being drawn stay drawn. */
  async set(part: Partial<Pick<MotionSettings, 'mode' | 'sensitivity'>>): Promise<void> {
    const before = this.asked.value
    if (before === null) return
    this.asked.value = { ...before, ...part }
    await this.#keep()
  }

  /** Keeps the zones as drawn. */
  async keepZones(): Promise<void> {
    const before = this.asked.value
    if (before === null) return
    const drawn = this.drawing.shapes
    this.asked.value = { ...before, zones: drawn.map(({ corners }) => corners) }
    await this.#keep()
    // What was refused stays drawn; so does what was drawn on meanwhile.
    if (this.keeping.error === null && this.drawing.shapes === drawn) this.#take()
  }

  #keep(): Promise<void> {
    this.#running ??= this.#send().finally(() => (this.#running = null))
    return this.#running
  }

  async #send(): Promise<void> {
    while (this.asked.value !== this.#kept) {
      const pauseMs = this.#sentMs + PAUSE_MS - performance.now()
      if (pauseMs > 0) await new Promise((done) => setTimeout(done, pauseMs))
      const to = this.asked.value
      if (to === null) return
      this.#sentMs = performance.now()
      if (await this.keeping.run(() => this.#client.setMotionSettings(this.#camera, to))) {
        this.#kept = to
      } else {
        // What is shown is what holds.
        this.#kept = await this.#client.motionSettings(this.#camera).catch(() => this.#kept)
        this.asked.value = this.#kept
      }
    }
  }

  #take(): void {
    const zones = this.asked.value?.zones ?? []
    this.drawing.take(zones.map((corners, i) => ({ key: `zone-${i}`, corners })))
  }
}
