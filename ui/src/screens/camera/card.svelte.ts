// The card of one camera: a day of it and of the vault, what is picked, what is fetched, and what is watched.

import { dayStart, SECOND_US } from '../../i18n/time'
import { asWireError, type CardJob, type CardOrder, type CardPlayerState, type CardSpan, type Client, type WireError } from '../../ipc/client'
import { Ask } from '../../state/ask.svelte'
import { hasNews, pickAt, spanAt, textOn, timeOn, within, type Stretch } from './card'

/** Speeds that are offered. */
export const SPEEDS = [0.5, 1, 2, 4, 8, 16]

// One opening or closing after the other, so that what comes late cannot hit what was opened since.
let turn: Promise<unknown> = Promise.resolve()

export class Card {
  readonly #client: Client
  readonly #camera: string
  /** Counts what was opened, so that an answer that comes late opens nothing. */
  #opened = 0
  fromUs = $state(0)
  readonly asked = new Ask<{ spans: CardSpan[]; kept: Stretch[] }>()
  readonly fill = new Ask<boolean>()
  readonly fetching = new Ask<void>()
  readonly stopping = new Ask<void>()
  jobs = $state.raw<CardJob[]>([])
  fromText = $state('')
  toText = $state('')
  /** What is watched; `null`: nothing. */
  player = $state.raw<CardPlayerState | null>(null)
  opening = $state(false)
  failed = $state.raw<WireError | null>(null)

  readonly toUs = $derived(dayStart(this.fromUs, 1))
  readonly spans = $derived(this.asked.value?.spans ?? [])
  readonly kept = $derived(this.asked.value?.kept ?? [])
  readonly start = $derived(timeOn(this.fromUs, this.fromText))
  readonly end = $derived(timeOn(this.fromUs, this.toText))
  /** What is picked; `null` while it is not a span. */
  readonly picked = $derived<Stretch | null>(
    this.start !== null && this.end !== null && this.end > this.start ? { from_us: this.start, to_us: this.end } : null,
  )
  readonly isBackwards = $derived(this.start !== null && this.end !== null && this.end <= this.start)
  /** What the card has of it. */
  readonly onCard = $derived(this.picked === null ? [] : within(this.spans, this.picked))
  readonly hasNews = $derived(this.picked !== null && hasNews(this.spans, this.kept, this.picked))
  readonly isWatching = $derived(this.player !== null || this.opening || this.failed !== null)

  constructor(client: Client, camera: string, nowUs: number) {
    this.#client = client
    this.#camera = camera
    this.fromUs = dayStart(nowUs)
  }

  /** Asks for everything and listens; the returned function ends that. */
  listen(): () => void {
    void this.load()
    void this.fill.run(() => this.#client.fillGaps(this.#camera))
    this.#client
      .cardJobs()
      .then((all) => this.#take(all))
      .catch(() => undefined)
    const ends = [
      this.#client.on('card_jobs', (all) => this.#take(all)),
      this.#client.on('clips_changed', () => void this.#loadKept()),
      this.#client.on('card_player', (state) => {
        if (this.player !== null && state.camera === this.#camera) this.player = state
      }),
    ]
    return () => {
      for (const end of ends) end()
      this.close()
    }
  }

  /** Asks for the day anew. */
  async load(): Promise<void> {
    const [from, to] = [this.fromUs, this.toUs]
    await this.asked.run(async () => {
      const [view, kept] = await Promise.all([this.#client.card(this.#camera, from, to), this.#keptOf(from, to)])
      return { spans: view.spans, kept }
    })
  }

  /** Goes to another day; what was picked stays, as hours and minutes. */
  async go(fromUs: number): Promise<void> {
    this.fromUs = dayStart(fromUs)
    this.asked.value = null
    await this.load()
  }

  /** Picks some minutes of a span. */
  pick(span: Stretch, atUs: number): void {
    const picked = pickAt(span, atUs)
    this.fromText = textOn(this.fromUs, Math.max(this.fromUs, picked.from_us))
    this.toText = textOn(this.fromUs, picked.to_us)
  }

  /** Fetches what is picked, one span of the card after the other. */
  async fetch(): Promise<void> {
    const spans = this.onCard
    await this.fetching.run(async () => {
      for (const span of spans) await this.#client.fetchFromCard(this.#camera, span.recording, span.from_us, span.to_us)
    })
  }

  async stop(job: CardJob): Promise<void> {
    await this.stopping.run(async () => void (await this.#client.stopCardJob(job.id)))
  }

  async setFill(on: boolean): Promise<void> {
    const before = this.fill.value
    this.fill.value = on
    const done = await this.fill.run(async () => {
      await this.#client.setFillGaps(this.#camera, on)
      return on
    })
    if (!done) this.fill.value = before
  }

  /** Watches what is picked, from its start. */
  watchPicked(): Promise<void> {
    const first = this.onCard[0]
    return first === undefined ? Promise.resolve() : this.watch(first.recording, first.from_us)
  }

  async watch(recording: string, fromUs: number): Promise<void> {
    const speed = this.player?.speed ?? 1
    this.#opened += 1
    const mine = this.#opened
    this.opening = true
    this.failed = null
    const opened = turn.then(() => this.#open(mine, recording, Math.round(fromUs)))
    turn = opened
    await opened
    if (mine === this.#opened && this.player !== null && speed !== 1) await this.order({ do: 'speed', speed })
  }

  async #open(mine: number, recording: string, fromUs: number): Promise<void> {
    if (mine !== this.#opened) return
    try {
      const state = await this.#client.openCard(this.#camera, recording, fromUs)
      if (mine === this.#opened) this.player = state
      else await this.#client.closeCard().catch(() => undefined)
    } catch (thrown) {
      if (mine !== this.#opened) return
      this.player = null
      this.failed = asWireError(thrown)
    }
    if (mine === this.#opened) this.opening = false
  }

  /** Goes to a time: within what is open if it lies there, else by opening the span that has it. */
  async seek(us: number): Promise<void> {
    const { player } = this
    if (player !== null && player.error === null && us >= player.from_us && us < player.to_us) {
      await this.order({ do: 'seek', to_us: Math.round(us) })
      return
    }
    const span = spanAt(this.spans, us)
    if (span !== null) await this.watch(span.recording, Math.max(us, span.from_us))
  }

  async seekBy(seconds: number): Promise<void> {
    if (this.player !== null) await this.seek(this.player.at_us + seconds * SECOND_US)
  }

  async toggle(): Promise<void> {
    const { player } = this
    if (player === null) return
    if (player.ended) await this.seek(player.from_us)
    await this.order({ do: player.playing && !player.ended ? 'pause' : 'play' })
  }

  async order(order: CardOrder): Promise<void> {
    try {
      await this.#client.cardPlayer(order)
      if (order.do === 'speed' && this.player !== null) this.player = { ...this.player, speed: order.speed }
    } catch (thrown) {
      this.failed = asWireError(thrown)
    }
  }

  /** Ends watching. */
  close(): void {
    if (!this.isWatching) return
    this.#opened += 1
    this.player = null
    this.opening = false
    this.failed = null
    turn = turn.then(() => this.#client.closeCard()).catch(() => undefined)
  }

  #take(all: CardJob[]): void {
    this.jobs = all.filter((job) => job.camera === this.#camera).reverse()
  }

  async #keptOf(from: number, to: number): Promise<Stretch[]> {
    const timeline = await this.#client.timeline(from, to)
    return timeline.lanes.find((lane) => lane.camera === this.#camera)?.recorded ?? []
  }

  async #loadKept(): Promise<void> {
    const { fromUs } = this
    const kept = await this.#keptOf(fromUs, this.toUs).catch(() => null)
    const { value } = this.asked
    if (kept !== null && value !== null && fromUs === this.fromUs) this.asked.value = { ...value, kept }
  }
}
