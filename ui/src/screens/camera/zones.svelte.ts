// How Hausrecht itself looks for motion, and where.

import type { Client, MotionSettings } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'
import { Drawing } from './drawing.svelte'

export class Zones {
  readonly #client: Client
  readonly #camera: string
  readonly drawing = new Drawing()
  readonly asked = new Ask<MotionSettings>()
  readonly still = new Ask<string>()
  readonly keeping = new Ask<null>()

  constructor(client: Client, camera: string) {
    this.#client = client
    this.#camera = camera
  }

  async load(): Promise<void> {
    await this.asked.run(() => this.#client.motionSettings(this.#camera))
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

  /** Keeps a change of mode or sensitivity at once; zones that are being drawn stay drawn. */
  async set(part: Partial<Pick<MotionSettings, 'mode' | 'sensitivity'>>): Promise<void> {
    const before = this.asked.value
    if (before === null) return
    this.asked.value = { ...before, ...part }
    await this.#keep(this.asked.value)
  }

  /** Keeps the zones as drawn. */
  async keepZones(): Promise<void> {
    const before = this.asked.value
    if (before === null) return
    const zones = this.drawing.shapes.map(({ corners }) => corners)
    if (await this.#keep({ ...before, zones })) {
      this.asked.value = { ...before, zones }
      this.#take()
    }
  }

  async #keep(settings: MotionSettings): Promise<boolean> {
    return this.keeping.run(() => this.#client.setMotionSettings(this.#camera, settings))
  }

  #take(): void {
    const zones = this.asked.value?.zones ?? []
    this.drawing.take(zones.map((corners, i) => ({ key: `zone-${i}`, corners })))
  }
}
