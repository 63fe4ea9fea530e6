import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Client, MotionSettings } from '../src/ipc/client'
import { Zones } from '../src/screens/camera/zones.svelte'

const first: MotionSettings = { mode: 'auto', sensitivity: 5, zones: [] }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function engine(fails: (settings: MotionSettings) => boolean = () => false) {
  let held = first
  const sent: number[] = []
  const client = {
    motionSettings: async () => held,
    setMotionSettings: async (_: string, settings: MotionSettings) => {
      sent.push(settings.sensitivity)
      if (fails(settings)) throw { code: 'disk_full', message: 'm' }
      held = settings
      return null
    },
  } as unknown as Client
  return { client, sent, held: () => held }
}

describe('how motion is measured', () => {
  it('goes to the engine with a pause while the slider is dragged, the newest only', async () => {
    const { client, sent, held } = engine()
    const zones = new Zones(client, 'c')
    await zones.load()
    for (let sensitivity = 1; sensitivity <= 10; sensitivity += 1) {
      void zones.set({ sensitivity })
      await vi.advanceTimersByTimeAsync(40)
    }
    await vi.advanceTimersByTimeAsync(1000)
    expect(sent.length).toBeLessThanOrEqual(3)
    expect(sent.at(-1)).toBe(10)
    expect(held().sensitivity).toBe(10)
    expect(zones.asked.value?.sensitivity).toBe(10)
  })
  it('shows what holds when a change was refused', async () => {
    const { client } = engine((settings) => settings.sensitivity === 9)
    const zones = new Zones(client, 'c')
    await zones.load()
    void zones.set({ sensitivity: 9 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(zones.keeping.error?.code).toBe('disk_full')
    expect(zones.asked.value?.sensitivity).toBe(5)
    void zones.set({ sensitivity: 7 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(zones.asked.value?.sensitivity).toBe(7)
    expect(zones.keeping.error).toBeNull()
  })
  it('keeps what was drawn when it was refused', async () => {
    const { client } = engine((settings) => settings.zones.length > 0)
    const zones = new Zones(client, 'c')
    await zones.load()
    zones.drawing.addMiddle()
    void zones.keepZones()
    await vi.advanceTimersByTimeAsync(1000)
    expect(zones.drawing.shapes.length).toBe(1)
    expect(zones.isChanged).toBe(true)
  })
})
