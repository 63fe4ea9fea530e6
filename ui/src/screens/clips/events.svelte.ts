// Events of a part of time, newest first, asked for a page at a time as the list is walked.

import { asWireError, type Client, type EventKind, type EventLine, type WireError } from '../../ipc/client'
import type { Window } from './timeline'

/** Events a page. */
export const PAGE = 200

/** Which events are listed. */
export interface Wanted {
  window: Window
  kinds: EventKind[]
  cameras: string[]
}

export class EventPages {
  readonly #client: Pick<Client, 'walkEvents'>
  #wanted: Wanted | null = null
  #asking = false
  #number = 0
  rows = $state.raw<EventLine[]>([])
  /** There are older ones that have not been asked for. */
  more = $state(false)
  /** Something was answered. */
  known = $state(false)
  error = $state.raw<WireError | null>(null)

  constructor(client: Pick<Client, 'walkEvents'>) {
    this.#client = client
  }

  /** Lists these from now on; what was there stays until they are here. */
  async show(wanted: Wanted): Promise<void> {
    const same = JSON.stringify(wanted) === JSON.stringify(this.#wanted)
    this.#wanted = wanted
    // Asked for once more, as many as are there: what was erased goes, and what is new comes.
    const limit = same ? Math.min(500, Math.max(PAGE, this.rows.length)) : PAGE
    if (same && this.rows.length > 500) return
    const number = (this.#number += 1)
    await this.#ask(wanted, null, limit, number)
  }

  /** The next older ones. */
  async older(): Promise<void> {
    const last = this.rows.at(-1)
    if (!this.more || this.#asking || this.#wanted === null || last === undefined) return
    await this.#ask(this.#wanted, last, PAGE, this.#number)
  }

  async #ask({ window, kinds, cameras }: Wanted, last: EventLine | null, limit: number, number: number): Promise<void> {
    this.#asking = true
    try {
      const found = await this.#client.walkEvents({
        kinds,
        cameras,
        forward: false,
        from_us: last?.from_us ?? Math.ceil(window.toUs),
        from_id: last?.id ?? null,
        until_us: Math.floor(window.fromUs),
        limit,
      })
      // Something else is listed by now.
      if (number !== this.#number) return
      this.rows = last === null ? found : [...this.rows, ...found]
      this.more = found.length === limit
      this.known = true
      this.error = null
    } catch (thrown) {
      if (number === this.#number) this.error = asWireError(thrown)
    } finally {
      if (number === this.#number) this.#asking = false
    }
  }
}
