// The rows of the log that are in view. The log grows at its top only, so a row is kept by its number from the oldest:
// growth shifts nothing. One question is under way at a time, the next is about what is in view then.

import { asWireError, type Client, type LogPage, type LogQuery, type LogRow, type WireError } from '../../ipc/client'

/** Rows fetched at once. */
export const BLOCK = 100
/** Rows kept. */
export const KEPT = 30 * BLOCK
/** How long the view is let move before it is asked for: while the bar is dragged, most of it is never looked at. Milliseconds. */
export const PAUSE_MS = 60

type Filter = Pick<LogQuery, 'kinds' | 'camera' | 'person'>

export class LogPages {
  readonly #client: Pick<Client, 'logPage'>
  #query: Filter = { kinds: [], camera: null, person: null }
  /** By number from the oldest that fits. */
  #rows = $state.raw<ReadonlyMap<number, LogRow>>(new Map())
  #view = { first: 0, count: 0 }
  #age = 0
  #stale = false
  #running = false
  #timer: ReturnType<typeof setTimeout> | undefined
  size = $state(0)
  matching = $state(0)
  loaded = $state(false)
  error = $state.raw<WireError | null>(null)

  constructor(client: Pick<Client, 'logPage'>) {
    this.#client = client
  }

  /** The row at a place in the list, newest first, once it is here. */
  row(index: number): LogRow | null {
    return this.#rows.get(this.fromOldest(index)) ?? null
  }

  /** The number from the oldest of a place in the list, and the other way round. */
  fromOldest(index: number): number {
    return this.matching - 1 - index
  }

  /** Another filter: everything is asked for anew, from the newest on. */
  filter(query: Filter): void {
    this.#query = query
    this.#age += 1
    this.#rows = new Map()
    this.#view = { first: 0, count: 0 }
    this.loaded = false
    this.refresh()
  }

  /** The log grew. However often it does while a question is under way, it is asked once more after that. */
  refresh(): void {
    this.#stale = true
    void this.#run()
  }

  /** These rows are in view. */
  view(first: number, count: number): void {
    this.#view = { first, count }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#run()
    }, PAUSE_MS)
  }

  /** Ends waiting. */
  end(): void {
    clearTimeout(this.#timer)
    this.#age += 1
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    for (let part = this.#next(); part !== null; part = this.#next()) {
      const age = this.#age
      try {
        const page = await this.#client.logPage({ ...this.#query, ...part })
        if (age === this.#age && !this.#take(page, part.offset)) break
      } catch (thrown) {
        if (age !== this.#age) continue
        this.error = asWireError(thrown)
        break
      }
    }
    this.#running = false
  }

  /** What to ask for next; `null` when all that is in view is here. */
  #next(): { offset: number; limit: number } | null {
    const { first, count } = this.#view
    if (this.#stale) {
      this.#stale = false
      // Far from the newest, only how many there are matters.
      return { offset: 0, limit: this.loaded && first >= BLOCK ? 1 : BLOCK }
    }
    if (!this.loaded) return null
    const end = Math.min(this.matching, first + count)
    for (let index = Math.max(0, first); index < end; index += 1) {
      if (this.row(index) === null) return { offset: Math.floor(index / BLOCK) * BLOCK, limit: BLOCK }
    }
    return null
  }

  /** Takes an answer; whether it brought anything, so that a short one is not asked for without end. */
  #take(page: LogPage, offset: number): boolean {
    const rows = new Map(this.#rows)
    page.rows.forEach((row, i) => rows.set(page.matching - 1 - offset - i, row))
    const brought = !this.loaded || page.matching !== this.matching || rows.size > this.#rows.size || this.#stale || offset === 0
    // Whoever reads on stays at the same rows.
    if (this.loaded && this.#view.first > 0) this.#view = { ...this.#view, first: this.#view.first + page.matching - this.matching }
    this.size = page.size
    this.matching = page.matching
    this.loaded = true
    this.error = null
    if (rows.size > KEPT) {
      const middle = this.fromOldest(this.#view.first)
      const far = [...rows.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle))
      for (const key of far.slice(0, rows.size - KEPT)) rows.delete(key)
    }
    this.#rows = rows
    return brought
  }
}
