// From event to event: where a jump stands, and what it found.

import { asWireError, type Client, type EventKind, type EventLine, type WireError } from '../../ipc/client'

export class Jump {
  readonly #client: Pick<Client, 'walkEvents'>
  /** The event that was jumped to. */
  event = $state.raw<EventLine | null>(null)
  /** There was none in this direction. */
  none = $state<1 | -1 | null>(null)
  busy = $state(false)
  error = $state.raw<WireError | null>(null)

  constructor(client: Pick<Client, 'walkEvents'>) {
    this.#client = client
  }

  /** Stands on an event that was found elsewhere, or on none. */
  stand(event: EventLine | null): void {
    this.event = event
    this.none = null
  }

  /** To the next event (1) or the one before (-1) from `fromUs`, or from the event that it stands on. */
  async go(direction: 1 | -1, fromUs: number, filter: { kinds: EventKind[]; cameras: string[] }): Promise<EventLine | null> {
    if (this.busy) return null
    this.busy = true
    this.none = null
    try {
      const here = this.event !== null && this.event.from_us === fromUs ? this.event : null
      const [found] = await this.#client.walkEvents({
        ...filter,
        forward: direction === 1,
        from_us: Math.round(fromUs),
        from_id: here?.id ?? null,
        until_us: null,
        limit: 1,
      })
      this.error = null
      if (found === undefined) this.none = direction
      else this.event = found
      return found ?? null
    } catch (thrown) {
      this.error = asWireError(thrown)
      return null
    } finally {
      this.busy = false
    }
  }
}
