// The masks of one camera: what it has, what is drawn, and putting the one into the other.

import { m } from '../../i18n/generated/messages.js'
import type { Client, Mask, MaskView } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'
import { Drawing, isChanged, type Shape } from './drawing.svelte'
import { rectangle } from './shapes'

export class Masks {
  readonly #client: Client
  readonly #camera: string
  readonly #source: () => string
  readonly drawing = new Drawing()
  readonly asked = new Ask<MaskView>()
  readonly still = new Ask<string>()
  readonly putting = new Ask<void>()
  /** How new and changed masks cover. */
  kind = $state('')

  constructor(client: Client, camera: string) {
    this.#client = client
    this.#camera = camera
    this.#source = () => this.asked.value?.masks[0]?.source_configuration ?? ''
  }

  get view(): MaskView | null {
    return this.asked.value
  }

  /** Whether the camera takes one more. */
  get hasRoom(): boolean {
    const most = this.view?.options.most ?? null
    return most === null || this.drawing.shapes.length < most
  }

  /** Asks for the masks and for a picture to draw on. */
  async load(): Promise<void> {
    await Promise.all([this.read(), this.picture()])
  }

  /** Takes a new still picture. */
  async picture(): Promise<void> {
    await this.still.run(() => this.#client.stillPicture(this.#camera))
  }

  async read(pending: Shape[] = []): Promise<void> {
    await this.asked.run(() => this.#client.masks(this.#camera))
    const { view } = this
    if (view === null) return
    const { options, masks } = view
    this.drawing.upright = options.is_rectangle_only
    this.drawing.cornersMost = options.is_rectangle_only ? 4 : (options.most_corners ?? 64)
    if (!options.kinds.includes(this.kind)) this.kind = masks[0]?.kind || options.kinds[0] || 'Color'
    this.drawing.take(masks.map(({ token, corners }) => ({ key: token, corners })), pending)
  }

  /** What the camera does with what is covered: as the chosen mask says, else as a new one will. */
  get effect(): string {
    const chosen = this.drawing.current
    const kind = (chosen === null ? null : this.maskOf(chosen)?.kind) ?? this.kind
    return kind === 'Pixelated' ? m.mask_does_pixelated() : kind === 'Blurred' ? m.mask_does_blurred() : m.mask_does_color()
  }

  maskOf(shape: Shape): Mask | null {
    return this.view?.masks.find((mask) => mask.token === shape.key) ?? null
  }

  /** Puts everything that was drawn or changed into the camera, one after the other. */
  async put(): Promise<void> {
    const pending = this.drawing.shapes.filter(isChanged)
    await this.putting.run(async () => {
      for (let next = pending[0]; next !== undefined; next = pending[0]) {
        await this.#client.setMask(this.#camera, this.#written(next))
        pending.shift()
      }
    })
    // What went in before a failure is in; what did not stays drawn.
    await Promise.all([this.read(pending), this.picture()])
  }

  /** Switches a mask of the camera on or off, or changes how it covers. */
  async change(mask: Mask): Promise<void> {
    await this.putting.run(async () => void (await this.#client.setMask(this.#camera, mask)))
    if (this.putting.error === null) await this.#again(mask)
  }

  /** Takes a mask out of the camera. */
  async remove(mask: Mask): Promise<void> {
    await this.#client.deleteMask(this.#camera, mask)
    await this.#again(mask)
  }

  /** Asks anew after one mask was changed; what is drawn besides stays drawn. */
  async #again(mask: Mask): Promise<void> {
    const pending = this.drawing.shapes.filter((shape) => isChanged(shape) && shape.key !== mask.token)
    await Promise.all([this.read(pending), this.picture()])
  }

  #written(shape: Shape): Mask {
    const known = this.maskOf(shape)
    const corners = this.drawing.upright ? around(shape) : shape.corners
    if (known !== null) return { ...known, corners }
    return { token: '', source_configuration: this.#source(), corners, kind: this.kind, is_on: true }
  }
}

function around(shape: Shape) {
  const xs = shape.corners.map(({ x }) => x)
  const ys = shape.corners.map(({ y }) => y)
  return rectangle({ x: Math.min(...xs), y: Math.min(...ys) }, { x: Math.max(...xs), y: Math.max(...ys) })
}
