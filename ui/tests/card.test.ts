import { describe, expect, it } from 'vitest'
import { MINUTE_US, SECOND_US, dayStart } from '../src/i18n/time'
import type { CardJob, CardSpan } from '../src/ipc/bindings'
import { WireError, type Client } from '../src/ipc/client'
import { memoryClient } from '../src/ipc/memory'
import { hasNews, isOpen, percentDone, pickAt, spanAt, textOn, timeOn, within, without } from '../src/screens/camera/card'
import { Card } from '../src/screens/camera/card.svelte'

const day = dayStart(new Date('2026-11-22T15:00:00').getTime() * 1000)
const s = (from: number, to: number): CardSpan => ({ recording: 'r', from_us: day + from * MINUTE_US, to_us: day + to * MINUTE_US })
const plain = (from: number, to: number) => ({ from_us: day + from * MINUTE_US, to_us: day + to * MINUTE_US })

describe('a picked span', () => {
  it('is typed as hours and minutes of its day', () => {
    expect(timeOn(day, '00:00')).toBe(day)
    expect(timeOn(day, '9:05')).toBe(day + (9 * 60 + 5) * MINUTE_US)
    expect(timeOn(day, '24:00')).toBe(dayStart(day, 1))
    for (const text of ['', '9', '24:01', '12:60', '12:5', 'noon']) expect(timeOn(day, text), text).toBeNull()
    for (const text of ['00:00', '09:05', '23:59', '24:00']) expect(textOn(day, timeOn(day, text) ?? -1)).toBe(text)
  })
  it('is some minutes of what is there', () => {
    expect(pickAt(plain(0, 240), day + 100.5 * MINUTE_US)).toEqual(plain(100, 110))
    expect(pickAt(plain(0, 240), day + 239 * MINUTE_US), 'not beyond the end').toEqual(plain(230, 240))
    expect(pickAt(plain(60, 63), day + 61 * MINUTE_US), 'all of a short one').toEqual(plain(60, 63))
  })
  it('has what the card has of it, and news where the vault has less', () => {
    const spans = [s(0, 10), s(20, 30)]
    expect(within(spans, plain(5, 25))).toEqual([s(5, 10), s(20, 25)])
    expect(within(spans, plain(10, 20))).toEqual([])
    expect(without(plain(0, 30), [plain(20, 40), plain(5, 10)])).toEqual([plain(0, 5), plain(10, 20)])
    expect(hasNews(spans, [plain(0, 10)], plain(0, 15))).toBe(false)
    expect(hasNews(spans, [plain(0, 10)], plain(0, 25))).toBe(true)
    const nearly = { from_us: day, to_us: day + 10 * MINUTE_US - SECOND_US }
    expect(hasNews(spans, [nearly], plain(0, 10)), 'a second is not worth it').toBe(false)
  })
})

describe('a fetch', () => {
  const job: CardJob = { id: 'j', camera: 'c', from_us: day, to_us: day + 100, done_us: 0, reason: 'asked', state: 'running', error: null }
  it('is at 100 % only when it is done', () => {
    expect(percentDone({ ...job, done_us: 37 })).toBe(37)
    expect(percentDone({ ...job, done_us: 100 })).toBe(99)
    expect(percentDone({ ...job, done_us: -5 })).toBe(0)
    expect(percentDone({ ...job, state: 'done' })).toBe(100)
    expect([job.state, 'waiting', 'done', 'failed', 'stopped'].map((state) => isOpen({ ...job, state: state as CardJob['state'] }))).toEqual([true, true, false, false, false])
  })
})

describe('the card of a camera', () => {
  const noon = day + 12 * 60 * MINUTE_US
  async function withCard(run: (card: Card, client: Client) => Promise<void>) {
    const client = memoryClient(new URLSearchParams('phase=open'), () => noon)
    const cameras = await client.cameras()
    let card: Card | null = null
    for (const one of cameras) {
      const panel = await client.cameraPanel(one.id).catch(() => null)
      if (panel?.features.recordings === 'present' && panel.features.replay === 'present') card = new Card(client, one.id, noon)
    }
    if (card === null) throw new Error('no camera with a card')
    await run(card, client)
  }
  it('shows a day, and what the vault has of it beside', () =>
    withCard(async (card) => {
      await card.load()
      expect(card.spans.length).toBeGreaterThan(1)
      const first = card.spans[0]
      if (!first) throw new Error('no span')
      card.pick(first, first.from_us)
      expect(card.picked).not.toBeNull()
      expect(card.onCard).toHaveLength(1)
      await card.go(dayStart(day, 3))
      expect(card.spans, 'the future is empty').toEqual([])
    }))
  it('opens a span, goes on in another, and closes what came too late', () =>
    withCard(async (card, client) => {
      await card.load()
      const [one, two] = [card.spans[0], card.spans[1]]
      if (!one || !two) throw new Error('two spans')
      expect(spanAt(card.spans, one.to_us)).toBe(two)
      await card.watch(one.recording, one.from_us)
      expect(card.player?.from_us).toBe(one.from_us)
      await card.order({ do: 'speed', speed: 4 })
      await card.seek(two.from_us + MINUTE_US)
      expect(card.player?.at_us).toBeGreaterThanOrEqual(two.from_us)
      expect(card.failed).toBeNull()
      const opening = card.watch(one.recording, one.from_us)
      card.close()
      await opening
      expect(card.isWatching).toBe(false)
      // The last of several openings is the one that stays.
      const both = [card.watch(one.recording, one.from_us), card.watch(two.recording, two.from_us)]
      await Promise.all(both)
      expect([card.player?.from_us, card.opening]).toEqual([two.from_us, false])
      await client.cardPlayer({ do: 'pause' })
      card.close()
      await new Promise((done) => setTimeout(done))
      await expect(client.cardPlayer({ do: 'play' })).rejects.toMatchObject({ code: 'not_found' } satisfies Partial<WireError>)
    }))
  it('says why there is no picture', () =>
    withCard(async (card) => {
      await card.watch('r0', noon + 600 * MINUTE_US)
      expect([card.isWatching, card.failed?.code]).toEqual([true, 'not_found'])
      card.close()
      expect(card.isWatching).toBe(false)
    }))
  it('takes back a switch that the engine refused', () =>
    withCard(async (card, client) => {
      await card.fill.run(() => client.fillGaps('x'))
      client.setFillGaps = () => Promise.reject(new WireError('internal', 'no'))
      await card.setFill(true)
      expect([card.fill.value, card.fill.error?.code]).toEqual([false, 'internal'])
    }))
})

