// Exports of this run, as the engine last told of them, and the stopping of one.

import { asWireError, type Client, type ExportView, type WireError } from '../../ipc/client'

/** Whether it still does something, or will. */
export function isOpen(one: ExportView): boolean {
  return one.state === 'waiting' || one.state === 'running'
}

/** Whole percent, 100 only at the end. */
export function percent(one: ExportView): number {
  return Math.floor(one.done_permille / 10)
}

/** Follows all exports. */
export class Exports {
  all = $state.raw<ExportView[]>([])
  error = $state.raw<WireError | null>(null)
  running = $derived(this.all.find((one) => one.state === 'running') ?? null)
  #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  /** Begins to follow; the returned function ends it. */
  follow(): () => void {
    let heard = false
    const end = this.#client.on('exports', (all) => {
      heard = true
      this.all = all
    })
    // Who is not the owner has none.
    this.#client
      .exports()
      .then((all) => heard || (this.all = all))
      .catch(() => undefined)
    return end
  }

  async stop(id: number): Promise<void> {
    await this.#try(() => this.#client.stopExport(id))
  }

  async show(id: number): Promise<void> {
    await this.#try(() => this.#client.showExport(id))
  }

  async #try(what: () => Promise<unknown>): Promise<void> {
    this.error = null
    try {
      await what()
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }
}
