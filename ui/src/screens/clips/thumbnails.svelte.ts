// Thumbnails, asked for in batches as rows come into view. They are kept in memory only, and no longer than the list.

import { SvelteMap } from 'svelte/reactivity'
import type { Client } from '../../ipc/client'

/** Asked for at once, at most. */
const BATCH = 24

export class Thumbnails {
  readonly #client: Client
  readonly #known = new SvelteMap<string, string | null>()
  readonly #asked = new Set<string>()
  #wanted: string[] = []
  #scheduled = false

  constructor(client: Client) {
    this.#client = client
  }

  /** The JPEG as base64, once it is here. */
  of(clip: string): string | null {
    return this.#known.get(clip) ?? null
  }

  /** A row came into view. */
  want(clip: string): void {
    if (this.#asked.has(clip)) return
    this.#asked.add(clip)
    this.#wanted.push(clip)
    if (this.#scheduled) return
    this.#scheduled = true
    setTimeout(() => void this.#ask(), 30)
  }

  async #ask(): Promise<void> {
    while (this.#wanted.length > 0) {
      // The rows that came last are the ones in view.
      const batch = this.#wanted.splice(-BATCH)
      try {
        for (const { clip, jpeg_base64 } of await this.#client.thumbnails(batch)) this.#known.set(clip, jpeg_base64)
      } catch {
        for (const clip of batch) this.#asked.delete(clip)
        break
      }
    }
    this.#scheduled = false
  }
}
