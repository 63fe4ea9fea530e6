// The wall of pictures: which rectangles of the page hold one. The desktop draws above the page, so the whole wall is
// sent again whenever a rectangle moves, and is empty while something covers it.

import type { Client, FrameLink, PicturePart, TilePlace, TileSource } from '../ipc/client'
import { readFrame } from '../ipc/frames'
import { placeOf, samePlaces, type Rect } from './places'

interface Picture {
  what: TileSource
  element: HTMLElement
  canvas: HTMLCanvasElement | null
  drawn: () => void
  region: PicturePart | null
}

/** All pictures that are on the page now. */
export class Wall {
  readonly #client: Client
  #pictures: Picture[] = []
  #sent: TilePlace[] = []
  #sentPictures: Picture[] = []
  #generation = -1
  #covers = 0
  #scheduled = false
  #sending = false
  #canvas = false
  #link: FrameLink | null = null
  #observer: ResizeObserver

  constructor(client: Client) {
    this.#client = client
    this.#observer = new ResizeObserver(() => this.moved())
    addEventListener('resize', this.#onMove)
    addEventListener('scroll', this.#onMove, { capture: true, passive: true })
    document.addEventListener('visibilitychange', this.#onMove)
  }

  /** Ends all pictures. */
  stop(): void {
    removeEventListener('resize', this.#onMove)
    removeEventListener('scroll', this.#onMove, { capture: true })
    document.removeEventListener('visibilitychange', this.#onMove)
    this.#observer.disconnect()
    this.#link?.close()
  }

  /** Chooses canvases in the page, or the desktop's own drawing. */
  useCanvas(canvas: boolean): void {
    if (canvas === this.#canvas) return
    this.#canvas = canvas
    this.#link?.close()
    this.#link = canvas ? this.#client.frames((message) => this.#receive(message)) : null
    this.#sent = []
    this.#generation = -1
    this.moved()
  }

  /** Puts a picture on the wall; the returned function takes it off. */
  show(
    what: TileSource,
    element: HTMLElement,
    canvas: HTMLCanvasElement | null,
    drawn: () => void,
    region: PicturePart | null = null,
  ): () => void {
    const picture = { what, element, canvas, drawn, region }
    this.#pictures.push(picture)
    this.#observer.observe(element)
    this.moved()
    return () => {
      this.#pictures = this.#pictures.filter((other) => other !== picture)
      this.#observer.unobserve(element)
      this.moved()
    }
  }

  /** Something lies over the pictures, such as a dialog; the returned function takes it away. */
  cover(): () => void {
    this.#covers += 1
    this.moved()
    let covered = true
    return () => {
      if (!covered) return
      covered = false
      this.#covers -= 1
      this.moved()
    }
  }

  /** Rectangles may have moved: measures them before the next repaint. */
  moved(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // A page that nobody sees is not repainted, and must say so all the same.
    const soon = document.visibilityState === 'hidden' ? (work: () => void) => setTimeout(work, 0) : requestAnimationFrame
    soon(() => {
      this.#scheduled = false
      void this.#send()
    })
  }

  #onMove = () => this.moved()

  async #send(): Promise<void> {
    if (this.#sending) {
      this.moved()
      return
    }
    const hidden = (this.#covers > 0 && !this.#canvas) || document.visibilityState === 'hidden'
    const pictures: Picture[] = []
    const places: TilePlace[] = []
    for (const picture of hidden ? [] : this.#pictures) {
      const place = placeOf(picture.what, picture.element.getBoundingClientRect(), page(), picture.region)
      if (place === null) continue
      pictures.push(picture)
      places.push(place)
    }
    if (samePlaces(places, this.#sent) && pictures.every((picture, i) => picture === this.#sentPictures[i])) return
    this.#sending = true
    try {
      const generation = await this.#client.placeTiles(places)
      this.#sent = places
      this.#sentPictures = pictures
      this.#generation = generation
    } catch {
      // Locked in the meantime, or the presenter is starting: the next change sends the wall again.
      this.#sent = []
      this.#sentPictures = []
      setTimeout(() => this.moved(), 1000)
    } finally {
      this.#sending = false
    }
  }

  #receive(message: ArrayBuffer): void {
    const frame = readFrame(message)
    if (frame === null) return
    const picture = frame.generation === this.#generation ? this.#sentPictures[frame.tile] : undefined
    if (picture?.canvas) {
      const { canvas } = picture
      if (canvas.width !== frame.width) canvas.width = frame.width
      if (canvas.height !== frame.height) canvas.height = frame.height
      canvas.getContext('2d')?.putImageData(new ImageData(frame.pixels, frame.width, frame.height), 0, 0)
      picture.drawn()
    }
    // A stale picture is answered too, else its sender would wait for ever.
    this.#link?.drawn(frame.tile, frame.generation)
  }
}

function page(): Rect {
  return { x: 0, y: 0, width: innerWidth, height: innerHeight }
}
