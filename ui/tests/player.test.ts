import { describe, expect, it } from 'vitest'
import type { Client, PlayerState } from '../src/ipc/client'
import { hashOf, routeOf } from '../src/state/route'
import { follows, nextSpeed, OpenClip, positionOf } from '../src/screens/clips/player.svelte'

const DAY_US = 1_790_000_000_000_000
const state = (clip: string): PlayerState => ({
  clip,
  start_us: DAY_US,
  duration_us: 60_000_000,
  position_us: 0,
  playing: false,
  ended: false,
  speed: 1,
  repeated: null,
  adjust: { brightness: 0, contrast: 1, saturation: 1, gamma: 1 },
  has_picture: false,
  error: null,
})
const settled = () => new Promise((done) => setTimeout(done, 0))

/** A client whose answers are given by hand. */
function slow() {
  const calls: string[] = []
  const waiting = new Map<string, () => void>()
  const answer = <T>(name: string, value: T) => {
    calls.push(name)
    return new Promise<T>((resolve) => waiting.set(name, () => resolve(value)))
  }
  const client = {
    on: () => () => undefined,
    clip: (id: string) => answer(`clip ${id}`, { clip: { ...state(id), id, camera: 'c' } }),
    openClip: (id: string) => answer(`open ${id}`, state(id)),
    closePlayer: () => answer('close', undefined),
    player: async (order: { do: string; to_us?: number }) => void calls.push(`${order.do}${order.to_us === undefined ? '' : ` ${order.to_us}`}`),
    clips: async () => [],
  } as unknown as Client
  const give = async (name: string) => {
    const resolve = waiting.get(name)
    if (!resolve) throw new Error(`${name} was not asked; asked: ${calls.join(', ')}`)
    waiting.delete(name)
    resolve()
    await settled()
  }
  return { client, calls, give }
}

describe('a clip that is opened', () => {
  it('is not opened after it was left while its questions were asked', async () => {
    const { client, calls, give } = slow()
    const leave = new OpenClip(client, 'a').open(undefined)
    await settled()
    leave()
    await give('clip a')
    expect(calls).toEqual(['clip a'])
  })
  it('is closed only once its opening was answered, and the next one waits for that', async () => {
    const { client, calls, give } = slow()
    const leave = new OpenClip(client, 'a').open(undefined)
    await settled()
    await give('clip a')
    leave()
    const leaveNext = new OpenClip(client, 'b').open(undefined)
    await settled()
    expect(calls).toEqual(['clip a', 'open a'])
    await give('open a')
    expect(calls).toEqual(['clip a', 'open a', 'close'])
    await give('close')
    expect(calls).toEqual(['clip a', 'open a', 'close', 'clip b'])
    leaveNext()
    await give('clip b')
  })
  it('begins at the time of day that the route names', async () => {
    const { client, calls, give } = slow()
    const leave = new OpenClip(client, 'a').open(DAY_US + 12_500_000)
    await settled()
    await give('clip a')
    await give('open a')
    expect(calls).toContain('seek 12500000')
    expect(calls.indexOf('play')).toBeGreaterThan(calls.indexOf('seek 12500000'))
    leave()
    await settled()
    await give('close')
  })
})

describe('a time in a clip', () => {
  it('is a position within it, as near as there is one', () => {
    expect(positionOf(state('a'), DAY_US + 5)).toBe(5)
    expect(positionOf(state('a'), DAY_US - 5)).toBe(0)
    expect(positionOf(state('a'), DAY_US + 99_000_000)).toBe(60_000_000)
  })
  it('stays what it was through the address', () => {
    const route = routeOf(`#/clip/abc?at=${DAY_US}`)
    expect(route).toEqual({ screen: 'clip', id: 'abc', atUs: DAY_US })
    expect(hashOf(route)).toBe(`#/clip/abc?at=${DAY_US}`)
  })
})

describe('speeds', () => {
  it('are gone through one by one, in either direction of time, and end at the ends', () => {
    expect(nextSpeed(1, 1)).toBe(2)
    expect(nextSpeed(-1, 1)).toBe(-2)
    expect(nextSpeed(-1, -1)).toBe(-0.5)
    expect(nextSpeed(64, 1)).toBe(64)
    expect(nextSpeed(0.125, -1)).toBe(0.125)
  })
})

describe('playing on', () => {
  const clip = (start_us: number) => ({ start_us, duration_us: 60_000_000 })
  it('goes over to a clip that begins where this one ends, and not over a gap', () => {
    expect(follows(clip(0), clip(60_000_000))).toBe(true)
    expect(follows(clip(0), clip(60_400_000))).toBe(true)
    expect(follows(clip(0), clip(90_000_000))).toBe(false)
  })

  it('does not go on while a span is repeated, and goes back when it is reversed', async () => {
    const { client, give } = slow()
    const open = new OpenClip(client, 'a')
    open.open(undefined)
    await settled()
    await give('clip a')
    await give('open a')
    const other = (id: string, start_us: number) => ({ ...open.detail!.clip, id, start_us })
    open.previous = other('before', DAY_US - 60_000_000)
    open.next = other('after', DAY_US + 60_000_000)
    expect(open.continuation()?.id).toBe('after')
    open.state = { ...open.state!, speed: -2 }
    expect(open.continuation()?.id).toBe('before')
    open.state = { ...open.state, repeated: { from_us: 0, to_us: 1 } }
    expect(open.continuation()).toBeNull()
  })
})
