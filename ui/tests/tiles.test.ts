import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOUR_US, MINUTE_US } from '../src/i18n/time'
import type { CameraLane, Lanes } from '../src/ipc/client'
import { heightOf } from '../src/screens/clips/draw'
import { LaneTiles, tileAt, tileLength, TILES_US } from '../src/screens/clips/tiles.svelte'
import { DAY_US } from '../src/screens/clips/timeline'

const fromUs = 1_795_305_600_000_000
const lane = (camera: string, rest: Partial<CameraLane> = {}): CameraLane => ({ camera, camera_name: camera, recorded: [], filled: [], density: [], events: [], gaps: [], ...rest })

function client(of: (from: number, to: number) => Partial<Lanes> = () => ({})) {
  const asked: [number, number][] = []
  return {
    asked,
    lanes: async (from: number, to: number): Promise<Lanes> => {
      asked.push([from, to])
      return { bucket_us: 0, first_us: from, lanes: [lane('porch')], ...of(from, to) }
    },
  }
}

describe('tiles of lanes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('cover every window with a few, and are whole parts of each other', () => {
    for (const [i, us] of TILES_US.entries()) if (i > 0) expect(us % TILES_US[i - 1]!).toBe(0)
    for (let length = 1e6; length < 400 * DAY_US; length *= 1.9) {
      const tile = tileLength({ fromUs, toUs: fromUs + length })
      expect(length / tile).toBeLessThanOrEqual(4)
    }
    expect(tileAt(fromUs + 5, HOUR_US)).toEqual({ fromUs: Math.floor(fromUs / HOUR_US) * HOUR_US, toUs: (Math.floor(fromUs / HOUR_US) + 1) * HOUR_US })
  })

  it('are asked for once, only where the window rests, and what lies beside comes too', async () => {
    const source = client()
    const tiles = new LaneTiles(source)
    const window = { fromUs, toUs: fromUs + 2 * HOUR_US }
    // A wheel passes by; nothing is asked for on the way.
    for (let i = 0; i < 20; i += 1) tiles.want({ fromUs: fromUs + i * DAY_US, toUs: fromUs + i * DAY_US + HOUR_US })
    tiles.want(window)
    expect(tiles.complete(window)).toBe(false)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(tiles.complete(window)).toBe(true)
    const many = source.asked.length
    expect(new Set(source.asked.map(([from]) => from)).size).toBe(many)
    expect(many).toBeLessThanOrEqual(6)
    tiles.want({ fromUs: fromUs + MINUTE_US, toUs: fromUs + MINUTE_US + 2 * HOUR_US })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(source.asked.length).toBeLessThanOrEqual(many + 1)
    expect(tiles.names).toEqual([{ camera: 'porch', name: 'porch' }])
    tiles.end()
  })

  it('that are old stay until the new ones are here; a coarser one stands in for one that is missing', async () => {
    let recorded = 0
    const source = client((from, to) => ({ lanes: [lane('porch', { recorded: [{ from_us: from, to_us: to }].slice(0, recorded) })] }))
    const tiles = new LaneTiles(source)
    const day = { fromUs, toUs: fromUs + DAY_US }
    tiles.want(day)
    await vi.advanceTimersByTimeAsync(3_000)
    const hour = { fromUs: fromUs + HOUR_US, toUs: fromUs + 2 * HOUR_US }
    expect(tiles.complete(hour)).toBe(false)
    expect(tiles.pieces(hour).map(({ from, to }) => [from, to])).toEqual(expect.arrayContaining([[hour.fromUs, expect.any(Number)]]))
    recorded = 1
    tiles.refresh()
    expect(tiles.complete(day)).toBe(true)
    expect(tiles.at('porch', fromUs + HOUR_US, 0, day, []).recorded).toBe(false)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(tiles.at('porch', fromUs + HOUR_US, 0, day, []).recorded).toBe(true)
    tiles.end()
  })

  it('say what there is at a place', async () => {
    const bucket_us = 10 * MINUTE_US
    const source = client((from) => ({
      bucket_us,
      first_us: from,
      lanes: [lane('porch', { filled: [100, 0, 50], density: [{ kind: 'person', counts: [0, 0, 4] }, { kind: 'motion', counts: [0, 0, 9] }], gaps: [{ from_us: from + bucket_us, to_us: from + 2 * bucket_us, reason: 'unreachable' }] })],
    }))
    const tiles = new LaneTiles(source)
    const at = tileAt(fromUs, tileLength({ fromUs, toUs: fromUs + DAY_US })).fromUs
    const window = { fromUs: at, toUs: at + DAY_US }
    tiles.want(window)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(tiles.at('porch', at + 1, 0, window, [])).toMatchObject({ recorded: true, gap: null, counts: [] })
    expect(tiles.at('porch', at + bucket_us + 1, 0, window, []).gap?.reason).toBe('unreachable')
    expect(tiles.at('porch', at + 2 * bucket_us + 1, 0, window, ['person']).counts).toEqual([{ kind: 'person', count: 4 }])
    expect(tiles.at('yard', at, 0, window, []).known).toBe(false)
    expect([...tiles.kinds].sort()).toEqual(['motion', 'person'])
    tiles.end()
  })

  it('show one event beside a thousand', () => {
    expect(heightOf(0, bucket())).toBe(0)
    expect(heightOf(1, bucket())).toBeGreaterThan(0.2)
    expect(heightOf(5, bucket())).toBeGreaterThan(heightOf(1, bucket()))
    expect(heightOf(100_000, bucket())).toBe(1)
  })
})

const bucket = () => 10 * MINUTE_US
