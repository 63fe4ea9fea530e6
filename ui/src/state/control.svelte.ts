// What one camera offers from within, while its page or its large picture is open.

import type { CameraPanel, Client } from '../ipc/client'
import { Ask } from './ask.svelte'
import { PtzDrive } from './ptz.svelte'
import { Talk } from './talk.svelte'

export class Control {
  readonly client: Client
  readonly camera: string
  readonly asked = new Ask<CameraPanel>()
  drive = $state.raw<PtzDrive | null>(null)
  talk = $state.raw<Talk | null>(null)
  #ended = false

  constructor(client: Client, camera: string) {
    this.client = client
    this.camera = camera
  }

  get panel(): CameraPanel | null {
    return this.asked.value
  }

  /** Asks the camera, at first and after something was changed. */
  async load(): Promise<void> {
    await this.asked.run(() => this.client.cameraPanel(this.camera))
    const { panel } = this
    if (this.#ended || panel === null) return
    const moves = panel.features.ptz === 'present' && panel.ptz !== null && (panel.ptz.can_pan_tilt || panel.ptz.can_zoom)
    // What the camera no longer offers must not go on behind a button that is gone.
    if (!moves) {
      this.drive?.end()
      this.drive = null
    } else if (this.drive === null && panel.ptz !== null) this.drive = new PtzDrive(this.client, this.camera, panel.ptz)
    if (!panel.talk) {
      this.talk?.release()
      this.talk = null
    } else this.talk ??= new Talk(this.client, this.camera)
  }

  /** Whatever moves or listens ends. */
  release(): void {
    this.drive?.release()
    this.talk?.release()
  }

  /** The picture leaves the page. */
  end(): void {
    this.#ended = true
    this.release()
  }
}
