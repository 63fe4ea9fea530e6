import { describe, expect, it } from 'vitest'
import { HOUR_US, MINUTE_US } from '../src/i18n/time'
import type { Client, ClipQuery, ClipView } from '../src/ipc/client'
import { neighbours, newest, PAGE } from '../src/screens/clips/find'

const NOW = 1_790_000_000_000_000
const clipAt = (start_us: number, camera = 'c') => ({ id: `${camera}${start_us}`, camera, start_us, duration_us: 1_900_000 }) as ClipView

/** A client that gives what the engine would: what runs in the span, newest first, cut at the limit. */
function recorded(clips: ClipView[]) {
  const asked: ClipQuery[] = []
  const client: Pick<Client, 'clips'> = {
    clips: async (query) => {
      asked.push(query)
      return clips
        .filter((clip) => clip.start_us + clip.duration_us > query.from_us && clip.start_us < query.to_us && (query.cameras.length === 0 || query.cameras.includes(clip.camera)))
        .sort((a, b) => b.start_us - a.start_us)
        .slice(0, query.limit)
    },
  }
  return { client, asked }
}

describe('the next clip', () => {
  it('is the nearest one, also behind a long gap with more clips than are given at once', async () => {
    const here = clipAt(NOW)
    const next = clipAt(NOW + 9 * HOUR_US)
    const later = Array.from({ length: 1500 }, (_, i) => clipAt(next.start_us + (i + 1) * MINUTE_US))
    const { client, asked } = recorded([here, next, ...later])
    expect((await neighbours(client, here)).next?.id).toBe(next.id)
    expect(asked.length).toBeLessThan(12)
  })
  it('is found among clips of a few seconds, too', async () => {
    const here = clipAt(NOW)
    const later = Array.from({ length: 3000 }, (_, i) => clipAt(NOW + (i + 1) * 2_000_000))
    expect((await neighbours(recorded([here, ...later]).client, here)).next?.id).toBe(later[0]?.id)
  })
  it('is none at the end, and the one before is found', async () => {
    const before = clipAt(NOW - 30 * 24 * HOUR_US)
    const here = clipAt(NOW)
    const { client, asked } = recorded([before, here, clipAt(NOW + MINUTE_US, 'other')])
    expect(await neighbours(client, here)).toEqual({ previous: before, next: null })
    expect(asked.length).toBeLessThan(15)
  })
})

describe('the newest clips', () => {
  const all = Array.from({ length: 1234 }, (_, i) => clipAt(NOW - Math.floor(i / 3) * MINUTE_US, `c${i % 3}`))
  const day = { cameras: [], events: [], from_us: 0, to_us: NOW + 1 }
  it('come in pages, none twice and none left out', async () => {
    const { client } = recorded(all)
    const first = await newest(client, day, PAGE)
    expect(first.clips.length).toBe(PAGE)
    expect(first.more).toBe(true)
    const whole = await newest(client, day, 3 * PAGE)
    expect(whole.more).toBe(false)
    expect(whole.clips.map((clip) => clip.id)).toHaveLength(1234)
    expect(new Set(whole.clips.map((clip) => clip.id))).toEqual(new Set(all.map((clip) => clip.id)))
  })
  it('end where there are none', async () => {
    expect(await newest(recorded([]).client, day, PAGE)).toEqual({ clips: [], more: false })
  })
})
