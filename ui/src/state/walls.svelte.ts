// The walls of a window: those that are kept, which one is shown, and what is being arranged. Each window has its own.

import { asWireError, type PicturePart, type SavedWall, type WireError } from '../ipc/client'
import type { App } from './app.svelte'
import { gridOf, inOrder, tilesOf, type Grid, type Layout } from './grid'
import { pagesOf } from './places'
import { after, Patrol } from './patrol'

/** A wall that is being arranged. */
export interface Draft {
  /** The kept wall that it replaces. */
  id: string | null
  name: string
  grid: Grid
}

/** What a window shows of all cameras. */
export class Walls {
  readonly #app: App
  kept = $state.raw<SavedWall[]>([])
  /** Id of a kept wall; empty: all cameras in a layout. */
  chosen = $state('')
  layout = $state<Layout>('auto')
  page = $state(0)
  draft = $state.raw<Draft | null>(null)
  error = $state.raw<WireError | null>(null)
  /** The parts of the pictures that are shown, by camera. */
  parts = $state.raw<Record<string, PicturePart>>({})
  patrol = $state.raw<Patrol | null>(null)
  patrolRests = $state(false)

  wall = $derived(this.kept.find((wall) => wall.id === this.chosen) ?? null)
  pages = $derived(this.wall ? 1 : pagesOf(this.#cameras().length, tilesOf(this.layout, this.#cameras().length)))
  pageNow = $derived(Math.min(this.page, this.pages - 1))
  /** The grid that is shown, without cameras that are gone. */
  grid = $derived.by((): Grid => {
    const ids = this.#cameras()
    const known = (grid: Grid) => ({ ...grid, tiles: grid.tiles.filter((tile) => ids.includes(tile.camera)) })
    if (this.draft) return known(this.draft.grid)
    if (this.wall) return inOrder(known(this.wall))
    const tiles = tilesOf(this.layout, ids.length)
    return gridOf(this.layout, ids.slice(this.pageNow * tiles, (this.pageNow + 1) * tiles))
  })

  constructor(app: App) {
    this.#app = app
  }

  #cameras(): string[] {
    return this.#app.cameras.map((camera) => camera.id)
  }

  /** Asks for the kept walls. */
  async load(): Promise<void> {
    try {
      this.kept = await this.#app.client.walls()
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  /** Shows a wall by what it is remembered by: an id, or `layout:` and its name. */
  show(what: string): void {
    this.page = 0
    const layout = what.startsWith('layout:') ? what.slice(7) : null
    this.chosen = layout === null ? what : ''
    if (layout !== null) this.layout = layout === 'auto' ? 'auto' : (Number(layout) as Layout)
  }

  /** What the shown wall is remembered by. */
  get shown(): string {
    return this.wall ? this.wall.id : `layout:${this.layout}`
  }

  /** The next or previous wall: pages first, then the kept walls, around. */
  go(step: 1 | -1): void {
    const stops = this.#stops()
    const at = stops.findIndex((stop) => this.#isAt(stop))
    const to = stops[(at + step + stops.length) % stops.length]
    if (to) this.#stopAt(to)
  }

  #stops(): { wall: string; page: number }[] {
    const ids = this.#cameras()
    const pages = pagesOf(ids.length, tilesOf(this.layout, ids.length))
    const all = Array.from({ length: pages }, (_, page) => ({ wall: '', page }))
    return [...all, ...this.kept.map((wall) => ({ wall: wall.id, page: 0 }))]
  }

  #isAt(stop: { wall: string; page: number }): boolean {
    return stop.wall === (this.wall?.id ?? '') && (stop.wall !== '' || stop.page === this.pageNow)
  }

  #stopAt(stop: { wall: string; page: number }): void {
    this.chosen = stop.wall
    this.page = stop.page
  }

  /** Begins to arrange what is shown. */
  arrange(): void {
    this.patrol = null
    this.error = null
    this.draft = { id: this.wall?.id ?? null, name: this.wall?.name ?? '', grid: this.grid }
  }

  /** Changes what is being arranged. */
  change(how: (grid: Grid) => Grid): void {
    if (this.draft) this.draft = { ...this.draft, grid: how(this.draft.grid) }
  }

  /** Keeps what was arranged. */
  async keep(name: string): Promise<void> {
    const { draft } = this
    if (draft === null) return
    try {
      const wall = await this.#app.client.keepWall({ id: draft.id, name, ...inOrder(draft.grid) })
      this.kept = draft.id === null ? [...this.kept, wall] : this.kept.map((one) => (one.id === wall.id ? wall : one))
      this.draft = null
      this.error = null
      this.chosen = wall.id
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  /** Forgets the wall that is being arranged. */
  async remove(): Promise<void> {
    const id = this.draft?.id
    if (id == null) return
    try {
      await this.#app.client.removeWall(id)
      this.kept = this.kept.filter((wall) => wall.id !== id)
      this.draft = null
      this.chosen = ''
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  /** Shows this part of a camera's picture; `null`: all of it. */
  part(camera: string, part: PicturePart | null): void {
    const { [camera]: _, ...others } = this.parts
    this.parts = part === null ? others : { ...others, [camera]: part }
  }

  /** Begins or ends the patrol. */
  togglePatrol(nowMs: number): void {
    this.patrol = this.patrol ? null : new Patrol(this.#app.view.patrol_seconds * 1000, nowMs)
    this.patrolRests = false
  }

  /** Somebody touched the window. */
  touched(nowMs: number): void {
    this.patrol?.touched(nowMs)
  }

  /** Goes on with the patrol if it is time. With kept walls these alone are walked, else the pages. */
  tick(nowMs: number): void {
    const { patrol } = this
    if (patrol === null) return
    this.patrolRests = patrol.rests(nowMs)
    if (!patrol.isDue(nowMs)) return
    const stops = this.kept.length > 1 ? this.#stops().filter((stop) => stop.wall !== '') : this.#stops()
    const at = stops.find((stop) => this.#isAt(stop))
    const next = at === undefined ? stops[0] : after(stops, at)
    if (next) this.#stopAt(next)
  }
}
