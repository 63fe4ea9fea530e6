// How a camera is recorded, as the page holds it: changes go to the engine one after the other, the newest only.

import type { CameraStorage, Client, RecordingSettings } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'

/** Pause between two changes while something is dragged: each stands in the log. Milliseconds. */
const PAUSE_MS = 300

export class RecordingPlan {
  readonly #client: Client
  readonly #camera: string
  readonly asked = new Ask<RecordingSettings>()
  readonly keeping = new Ask<RecordingSettings>()
  readonly takes = new Ask<CameraStorage | null>()
  /** As the engine has it, as far as it has said yes. */
  #kept: RecordingSettings | null = null
  #running: Promise<void> | null = null
  #sentMs = -PAUSE_MS

  constructor(client: Client, camera: string) {
    this.#client = client
    this.#camera = camera
  }

  async load(): Promise<void> {
    await this.asked.run(() => this.#client.recordingSettings(this.#camera))
    this.#kept = this.asked.value
    await this.measure()
  }

  /** Asks what the camera's clips take. */
  async measure(): Promise<void> {
    await this.takes.run(async () => {
      const storage = await this.#client.storage()
      return storage.cameras.find((one) => one.camera === this.#camera) ?? null
    })
  }

  /** Keeps a change; whether it went well. */
  async set(part: Partial<RecordingSettings>): Promise<boolean> {
    const before = this.asked.value
    if (before === null) return false
    this.asked.value = { ...before, ...part }
    this.#running ??= this.#send().finally(() => (this.#running = null))
    await this.#running
    return this.keeping.error === null
  }

  async #send(): Promise<void> {
    while (this.asked.value !== this.#kept) {
      const pauseMs = this.#sentMs + PAUSE_MS - performance.now()
      if (pauseMs > 0) await new Promise((done) => setTimeout(done, pauseMs))
      const to = this.asked.value
      if (to === null) return
      this.#sentMs = performance.now()
      if (await this.keeping.run(() => this.#client.setRecordingSettings(this.#camera, to))) {
        this.#kept = to
      } else {
        // What is shown is what holds.
        this.#kept = await this.#client.recordingSettings(this.#camera).catch(() => this.#kept)
        this.asked.value = this.#kept
      }
    }
  }
}
