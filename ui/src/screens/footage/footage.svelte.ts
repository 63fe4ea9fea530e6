// The list of files: what the engine says of them, and what the person has changed.

import { asWireError, type Client, type Footage, type FootageFile, type WireError } from '../../ipc/client'
import { m } from '../../i18n/generated/messages.js'
import { isOpen, parseShift, suggestedName } from './footage'

const EMPTY: Footage = { files: [], zone: 'UTC', left_out: 0, looking: false, importing: false }

const VIEWS = { front: m.fo_front, rear: m.fo_rear, inside: m.fo_inside, left: m.fo_left, right: m.fo_right }

export class FootageList {
  readonly #client: Client
  view = $state.raw<Footage>(EMPTY)
  error = $state.raw<WireError | null>(null)
  /** Files are being dragged over the window. */
  hovers = $state(false)
  shiftText = $state('')
  /** The sheet was closed while an import goes on. */
  #aside = $state(false)
  #base = $state<string | null>(null)
  #times = $state<Record<number, number>>({})
  #names = $state<Record<number, string>>({})

  /** The file that is watched as it is. */
  watched = $state.raw<FootageFile | null>(null)
  readonly isShown = $derived(this.view.files.length > 0 && !this.#aside && this.watched === null)
  readonly isAside = $derived(this.view.importing && this.#aside)
  readonly shiftUs = $derived(parseShift(this.shiftText))
  readonly base = $derived(this.#base ?? suggestedName(this.view.files, m.fo_default_name()))
  readonly open = $derived(this.view.files.filter((file) => isOpen(file) && file.known_in === null))
  /** What would be imported: known by time and name. */
  readonly wanted = $derived(
    this.open
      .map((file) => ({ id: file.id, start_us: this.time(file), source: this.source(file).trim() }))
      .filter((one): one is { id: number; start_us: number; source: string } => one.start_us !== null && one.source !== ''),
  )
  readonly untimed = $derived(this.open.filter((file) => this.time(file) === null).length)
  readonly finished = $derived(
    this.view.files.length > 0 && !this.view.importing && this.view.files.some((file) => file.state === 'done'),
  )

  constructor(client: Client) {
    this.#client = client
  }

  /** Listens to the engine; the returned function ends that. */
  listen(): () => void {
    const ends = [this.#client.on('footage', (view) => this.#take(view)), this.#client.on('drop_hovers', (hovers) => (this.hovers = hovers))]
    return () => ends.forEach((end) => end())
  }

  /** Asks for what is listed, for a window that begins anew. */
  load(): Promise<void> {
    return this.#run(() => this.#client.footage())
  }

  forget(): void {
    this.view = EMPTY
    this.error = null
    this.hovers = false
    this.watched = null
    this.#reset()
  }

  /** When a file begins, as it stands now: what was typed is not moved. */
  time(file: FootageFile): number | null {
    const typed = this.#times[file.id]
    if (typed !== undefined) return typed
    return file.start_us === null ? null : file.start_us + (this.shiftUs ?? 0)
  }

  isTyped(file: FootageFile): boolean {
    return this.#times[file.id] !== undefined
  }

  setTime(file: FootageFile, us: number | null): void {
    const times = { ...this.#times }
    if (us === null) delete times[file.id]
    else times[file.id] = us
    this.#times = times
  }

  /** Under which name it will stand. */
  source(file: FootageFile): string {
    return this.#names[file.id] ?? (file.view === null ? this.base : `${this.base} · ${VIEWS[file.view]()}`)
  }

  setSource(file: FootageFile, name: string): void {
    this.#names = { ...this.#names, [file.id]: name }
  }

  watch(file: FootageFile): void {
    this.watched = file
  }

  endWatching(): void {
    this.watched = null
  }

  setBase(name: string): void {
    this.#base = name
  }

  choose(folder: boolean): Promise<void> {
    return this.#run(() => this.#client.chooseFootage(folder, folder ? m.fo_choose_folder() : m.fo_choose_files()))
  }

  setZone(zone: string): Promise<void> {
    return this.#run(() => this.#client.setFootageZone(zone))
  }

  drop(file: FootageFile): Promise<void> {
    return this.#run(() => this.#client.dropFootage(file.id))
  }

  import(): Promise<void> {
    const wanted = this.wanted.map((one) => ({ ...one, start_us: Math.round(one.start_us) }))
    return this.#run(() => this.#client.importFootage(wanted))
  }

  async stop(): Promise<void> {
    await this.#client.stopFootage().catch((thrown: unknown) => (this.error = asWireError(thrown)))
  }

  /** Closes the list; an import that goes on is not ended by that. */
  async close(): Promise<void> {
    if (this.view.importing) {
      this.#aside = true
      return
    }
    await this.#run(async () => {
      await this.#client.closeFootage()
      return this.#client.footage()
    })
    if (this.view.files.length === 0) this.#reset()
  }

  /** Shows the sheet again. */
  bringBack(): void {
    this.#aside = false
  }

  #reset(): void {
    this.#aside = false
    this.#base = null
    this.#times = {}
    this.#names = {}
    this.shiftText = ''
  }

  #take(view: Footage): void {
    // What came of it is to be seen.
    if (!view.importing) this.#aside = false
    this.view = view
  }

  async #run(question: () => Promise<Footage>): Promise<void> {
    this.error = null
    try {
      this.#take(await question())
    } catch (thrown) {
      this.error = asWireError(thrown)
    }
  }
}
