// The package at the window: given by a double click, a drop or the dialog; opened, checked, and closed without a trace.

import { m } from '../../i18n/generated/messages.js'
import { asWireError, type Client, type ExtractedFilms, type GivenPackage, type PackageCheck, type PackageView, type WireError } from '../../ipc/client'

export class GivenPackages {
  readonly #client: Client
  /** What waits to be opened. */
  given = $state.raw<GivenPackage | null>(null)
  view = $state.raw<PackageView | null>(null)
  check = $state.raw<PackageCheck | null>(null)
  checking = $state(false)
  busy = $state(false)
  error = $state.raw<WireError | null>(null)
  /** What is wrong with the key that was given to compare. */
  keyError = $state.raw<WireError | null>(null)
  /** Number of the film that is played. */
  playing = $state<number | null>(null)
  written = $state.raw<ExtractedFilms | null>(null)
  readonly isShown = $derived(this.given !== null)
  #asked = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Listens for packages; the returned function ends that. */
  listen(): () => void {
    return this.#client.on('package_given', () => void this.look())
  }

  /** Asks what waits. */
  async look(): Promise<void> {
    await this.#begin(() => this.#client.packageGiven())
  }

  /** Lets the person choose a package. */
  async choose(): Promise<void> {
    await this.#begin(() => this.#client.choosePackage(m.pk_choose_title()))
  }

  async #begin(ask: () => Promise<GivenPackage | null>): Promise<void> {
    this.error = null
    try {
      const given = await ask()
      if (given === null) return
      this.#forget()
      this.given = given
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }

  /** Opens what waits: by a passphrase, or by a key file that is asked for. */
  async open(passphrase: string | null): Promise<void> {
    await this.#do(async () => {
      const view = await this.#client.openPackage(passphrase, m.pk_key_title())
      if (view === null) return
      this.view = view
      void this.examine('')
    })
  }

  /** Checks it, against the key of its log if one is known. */
  async examine(key: string): Promise<void> {
    const asked = (this.#asked += 1)
    this.checking = true
    this.keyError = null
    try {
      const check = await this.#client.checkPackage(key)
      if (asked === this.#asked) this.check = check
    } catch (thrown) {
      if (asked !== this.#asked || this.view === null) return
      if (key.trim() === '') this.error = asWireError(thrown)
      else this.keyError = asWireError(thrown)
    } finally {
      if (asked === this.#asked) this.checking = false
    }
  }

  async extract(): Promise<void> {
    this.written = null
    await this.#do(async () => (this.written = await this.#client.extractPackage(m.pk_extract_title())))
  }

  async close(): Promise<void> {
    this.#forget()
    await this.#client.closePackage().catch(() => undefined)
  }

  async #do(what: () => Promise<unknown>): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.error = null
    try {
      await what()
    } catch (thrown) {
      this.error = asWireError(thrown)
    } finally {
      this.busy = false
    }
  }

  #forget(): void {
    this.#asked += 1
    Object.assign(this, { given: null, view: null, check: null, checking: false, error: null, keyError: null, playing: null, written: null })
  }
}
