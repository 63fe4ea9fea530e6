// The picture's settings while they are changed: what is on the sliders goes to the camera at once, the newest only.

import type { Client, ImagingOptions, ImagingSettings } from '../../ipc/client'
import { asWireError, type WireError } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'

/** Pause between two changes while a slider is dragged: each stands in the log. Milliseconds. */
const PAUSE_MS = 300

/** Settings of which none is to be changed. */
export const UNCHANGED: ImagingSettings = {
  brightness: null,
  contrast: null,
  saturation: null,
  sharpness: null,
  ir_cut: null,
  has_backlight_compensation: null,
  backlight_compensation_level: null,
  has_wide_dynamic_range: null,
  wide_dynamic_range_level: null,
  exposure: null,
  exposure_time_us: null,
  gain_db: null,
  white_balance: null,
  is_autofocus: null,
}

/** What must be sent to get from one to the other; `null` stays as it is. */
export function difference(from: ImagingSettings, to: ImagingSettings): ImagingSettings {
  const changed = Object.entries(to).filter(([name, value]) => {
    const before = from[name as keyof ImagingSettings]
    return value !== null && JSON.stringify(before) !== JSON.stringify(value)
  })
  return { ...UNCHANGED, ...Object.fromEntries(changed) }
}

export class Imaging {
  readonly #client: Client
  readonly #camera: string
  readonly asked = new Ask<null>()
  settings = $state.raw<ImagingSettings | null>(null)
  options = $state.raw<ImagingOptions | null>(null)
  error = $state.raw<WireError | null>(null)
  /** As it was when the page was opened. */
  #first = $state.raw<ImagingSettings | null>(null)
  /** As the camera has it, as far as it has said yes. */
  #sent: ImagingSettings | null = null
  #sending = false

  constructor(client: Client, camera: string) {
    this.#client = client
    this.#camera = camera
  }

  get isChanged(): boolean {
    const { settings } = this
    return settings !== null && this.#first !== null && JSON.stringify(settings) !== JSON.stringify(this.#first)
  }

  async load(): Promise<void> {
    await this.asked.run(async () => {
      const { settings, options } = await this.#client.imaging(this.#camera)
      this.settings = settings
      this.options = options
      this.#first ??= settings
      this.#sent = settings
      return null
    })
  }

  /** Changes something; the camera follows as fast as it can. */
  set(part: Partial<ImagingSettings>): void {
    if (this.settings === null) return
    this.settings = { ...this.settings, ...part }
    void this.#send()
  }

  /** Back to how it was when the page was opened. */
  reset(): void {
    if (this.#first !== null) this.set(this.#first)
  }

  async #send(): Promise<void> {
    if (this.#sending) return
    this.#sending = true
    this.error = null
    try {
      while (this.settings !== null && this.#sent !== null) {
        const to = this.settings
        const change = difference(this.#sent, to)
        if (Object.values(change).every((value) => value === null)) break
        await this.#client.setImaging(this.#camera, change)
        this.#sent = to
        await new Promise((done) => setTimeout(done, PAUSE_MS))
      }
    } catch (thrown) {
      // The sliders show again what the camera really has.
      await this.load()
      this.error = asWireError(thrown)
    } finally {
      this.#sending = false
    }
  }
}
