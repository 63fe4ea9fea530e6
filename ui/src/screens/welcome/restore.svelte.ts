// The backup at the window: given by a double click, a drop or the dialog, and brought back.

import { m } from '../../i18n/generated/messages.js'
import { asWireError, type Client, type Restored, type RestoreKey, type WireError } from '../../ipc/client'

export class GivenBackup {
  readonly #client: Client
  /** Name of the file that waits. */
  file = $state<string | null>(null)
  restored = $state.raw<Restored | null>(null)
  busy = $state(false)
  error = $state.raw<WireError | null>(null)

  constructor(client: Client) {
    this.#client = client
  }

  /** Listens for backups; the returned function ends that. */
  listen(): () => void {
    return this.#client.on('backup_given', () => void this.look())
  }

  /** Asks what waits. */
  async look(): Promise<void> {
    this.file = await this.#client.backupGiven().catch(() => null)
  }

  /** Lets the person choose one. */
  async choose(): Promise<void> {
    this.error = null
    try {
      this.file = await this.#client.chooseBackup(m.rs_choose_title())
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  async restore(key: RestoreKey): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.error = null
    try {
      this.restored = await this.#client.restoreBackup(key)
    } catch (thrown) {
      this.error = asWireError(thrown)
    } finally {
      this.busy = false
    }
  }

  async startAnew(): Promise<void> {
    await this.#client.startAnew().catch((thrown: unknown) => (this.error = asWireError(thrown)))
  }

  async close(): Promise<void> {
    Object.assign(this, { file: null, restored: null, error: null })
    await this.#client.forgetBackup().catch(() => undefined)
  }
}
