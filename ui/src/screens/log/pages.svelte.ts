// The rows of the log that are in view, fetched in blocks. The log grows at its top: while nothing is scrolled the list
// follows; blocks are kept by entry offset and dropped when the log or the filter changes.

import { SvelteMap } from 'svelte/reactivity'
import { asWireError, type Client, type LogQuery, type LogRow, type WireError } from '../../ipc/client'

/** Rows fetched at once. */
export const BLOCK = 100
/** Blocks kept. */
const KEPT = 30

/** The blocks that `count` rows from `first` need. */
export function blocksOf(first: number, count: number): number[] {
  const found: number[] = []
  for (let block = Math.floor(first / BLOCK); block * BLOCK < first + count; block += 1) found.push(block)
  return found
}

export class LogPages {
  readonly #client: Client
  #query: Pick<LogQuery, 'kinds' | 'camera' | 'person'> = { kinds: [], camera: null, person: null }
  #blocks = new SvelteMap<number, LogRow[]>()
  #asked = new Set<number>()
  #age = 0
  #view = { first: 0, count: 0 }
  size = $state(0)
  matching = $state(0)
  loaded = $state(false)
  error = $state.raw<WireError | null>(null)

  constructor(client: Client) {
    this.#client = client
  }

  /** The row at a place in the list, once it is here. */
  row(index: number): LogRow | null {
    return this.#blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK] ?? null
  }

  /** Another filter: everything is asked for anew. */
  filter(query: Pick<LogQuery, 'kinds' | 'camera' | 'person'>): void {
    this.#query = query
    this.loaded = false
    this.#blocks.clear()
    this.refresh()
  }

  /** The log grew: what is in view is asked for again, and stands until the answer is here. */
  refresh(): void {
    this.#age += 1
    this.#asked.clear()
    const wanted = blocksOf(this.#view.first, this.#view.count)
    for (const block of wanted.length > 0 ? wanted : [0]) void this.#ask(block, true)
  }

  /** These rows are in view. */
  view(first: number, count: number): void {
    this.#view = { first, count }
    for (const block of blocksOf(first, count)) void this.#ask(block, false)
  }

  async #ask(block: number, renew: boolean): Promise<void> {
    if (this.#asked.has(block) || (!renew && this.#blocks.has(block))) return
    this.#asked.add(block)
    const age = this.#age
    try {
      const page = await this.#client.logPage({ ...this.#query, offset: block * BLOCK, limit: BLOCK })
      if (age !== this.#age) return
      if (page.size !== this.size && this.loaded) {
        // Rows have shifted: only this block is true now.
        const wanted = new Set(blocksOf(this.#view.first, this.#view.count))
        for (const key of [...this.#blocks.keys()]) if (!wanted.has(key)) this.#blocks.delete(key)
      }
      this.size = page.size
      this.matching = page.matching
      this.loaded = true
      this.error = null
      this.#blocks.set(block, page.rows)
      if (this.#blocks.size > KEPT) {
        const far = [...this.#blocks.keys()].sort((a, b) => Math.abs(b - block) - Math.abs(a - block))[0]
        if (far !== undefined) this.#blocks.delete(far)
      }
    } catch (thrown) {
      this.error = asWireError(thrown)
    } finally {
      this.#asked.delete(block)
    }
  }
}
