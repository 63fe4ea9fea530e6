import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Client, RecordingSettings } from '../src/ipc/client'
import { size } from '../src/i18n/recording'
import { memoryClient } from '../src/ipc/memory'
import { RecordingPlan } from '../src/screens/camera/recording.svelte'
import { CELLS, DAYS, moved, painted, stretches, timeOf, weekOf } from '../src/screens/camera/week'

describe('the plan of the week', () => {
  it('is painted from corner to corner, whichever comes first', () => {
    const week = weekOf('always')
    const night = painted(week, { day: 4, cell: 12 }, { day: 0, cell: 0 }, 'off')
    expect(night[0]?.slice(0, 14)).toEqual([...Array<string>(13).fill('off'), 'always'])
    expect(night[4]?.[12]).toBe('off')
    expect(night[5]).toBe(week[5])
    expect(week[0]?.[0]).toBe('always')
    expect(painted(night, { day: 0, cell: 0 }, { day: 6, cell: 47 }, 'events')).toEqual(weekOf('events'))
  })
  it('is walked by arrows and ends at its edges', () => {
    expect(moved({ day: 0, cell: 0 }, 'ArrowLeft')).toEqual({ day: 0, cell: 0 })
    expect(moved({ day: 0, cell: 0 }, 'ArrowRight')).toEqual({ day: 0, cell: 1 })
    expect(moved({ day: DAYS - 1, cell: 3 }, 'ArrowDown')).toEqual({ day: DAYS - 1, cell: 3 })
    expect(moved({ day: 2, cell: 3 }, 'ArrowUp')).toEqual({ day: 1, cell: 3 })
    expect(moved({ day: 2, cell: 3 }, 'End')).toEqual({ day: 2, cell: CELLS - 1 })
    expect(moved({ day: 2, cell: 3 }, 'a')).toBeNull()
  })
  it('is read aloud in stretches', () => {
    const day = painted(weekOf('events'), { day: 0, cell: 16 }, { day: 0, cell: 33 }, 'off')[0]!
    expect(stretches(day).map(({ from, to, mode }) => `${timeOf(from)} ${timeOf(to)} ${mode}`)).toEqual([
      '00:00 08:00 events',
      '08:00 17:00 off',
      '17:00 24:00 events',
    ])
  })
})

describe('how a camera is recorded', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('goes to the engine with a pause while something is dragged, the newest only', async () => {
    const client = memoryClient(new URLSearchParams())
    const sent = vi.spyOn(client, 'setRecordingSettings')
    const plan = new RecordingPlan(client, 'cam0')
    await plan.load()
    for (let second = 0; second <= 20; second += 1) {
      void plan.set({ pre_roll_s: second })
      await vi.advanceTimersByTimeAsync(20)
    }
    await vi.advanceTimersByTimeAsync(1000)
    expect(sent.mock.calls.length).toBeLessThanOrEqual(4)
    expect((await client.recordingSettings('cam0')).pre_roll_s).toBe(20)
    expect(plan.takes.value?.whole_day_bytes).toBeGreaterThan(1e9)
  })
  it('shows what holds when a change was refused', async () => {
    const memory = memoryClient(new URLSearchParams())
    const client: Client = {
      ...memory,
      setRecordingSettings: async (camera: string, settings: RecordingSettings) => {
        if (settings.kept_days !== null) throw { code: 'invalid', message: 'needs a reason' }
        return memory.setRecordingSettings(camera, settings)
      },
    }
    const plan = new RecordingPlan(client, 'cam0')
    await plan.load()
    const kept = plan.set({ kept_days: 10 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(await kept).toBe(false)
    expect(plan.asked.value?.kept_days).toBeNull()
    expect(plan.keeping.error?.code).toBe('invalid')
    const off = plan.set({ mode: 'off' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(await off).toBe(true)
    expect((await client.tiles())[0]?.record).toBe('off')
  })
})

describe('sizes', () => {
  it('are told in the unit that a person thinks in', () => {
    expect([310_400_000, 4_260_000_000, 43_200_000_000, 2e12].map(size)).toEqual(['310 MB', '4.3 GB', '43 GB', '2.0 TB'])
  })
})
