import { describe, expect, it, vi } from 'vitest'
import { memoryClient } from '../src/ipc/memory'
import { isOpen, parseShift, percentOf, secondsField, suggestedName } from '../src/screens/footage/footage'
import { FootageList } from '../src/screens/footage/footage.svelte'
import type { FootageFile } from '../src/ipc/bindings'

const nowUs = new Date('2026-11-22T15:00:00').getTime() * 1000
const client = () => memoryClient(new URLSearchParams(), () => nowUs)

async function chosen() {
  const list = new FootageList(client())
  const end = list.listen()
  await list.choose(false)
  return { list, end }
}
const byName = (list: FootageList, name: string): FootageFile => {
  const file = list.view.files.find((one) => one.name.startsWith(name))
  if (file === undefined) throw new Error(name)
  return file
}

describe('a shift', () => {
  it('is hours and minutes, forward or back', () => {
    expect(parseShift('')).toBe(0)
    expect(parseShift('1:00')).toBe(3_600_000_000)
    expect(parseShift('-0:05:30')).toBe(-330_000_000)
    expect(parseShift('+24:00')).toBe(86_400_000_000)
    for (const wrong of ['1', 'an hour', '1:60', '1:00:99', '--1:00']) expect(parseShift(wrong), wrong).toBe(null)
  })
})

describe('the list', () => {
  it('imports what has a time and is not known, each camera of a recorder under a name of its own', async () => {
    const { list, end } = await chosen()
    list.setBase('Car')
    expect(list.wanted.map((one) => one.source)).toEqual(['Car · front', 'Car · rear', 'Car'])
    expect(list.untimed).toBe(1)
    list.setTime(byName(list, 'GX'), nowUs - 5_000_000)
    list.setSource(byName(list, 'GX'), 'Helmet')
    expect(list.wanted.at(-1)).toEqual({ id: byName(list, 'GX').id, start_us: nowUs - 5_000_000, source: 'Helmet' })
    expect(list.wanted.some((one) => one.id === byName(list, '20261101').id)).toBe(false)
    end()
  })

  it('moves times that were not typed', async () => {
    const { list, end } = await chosen()
    const front = byName(list, '20261118143000_000123F')
    const gopro = byName(list, 'GX')
    list.setTime(gopro, nowUs)
    list.shiftText = '-1:00'
    expect(list.time(front)).toBe((front.start_us ?? 0) - 3_600_000_000)
    expect(list.time(gopro)).toBe(nowUs)
    list.shiftText = 'nonsense'
    expect(list.shiftUs).toBe(null)
    end()
  })

  it('can be closed while an import goes on, and comes back with its results', async () => {
    vi.useFakeTimers()
    const { list, end } = await chosen()
    await list.import()
    await list.close()
    expect([list.isShown, list.isAside]).toEqual([false, true])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(list.isShown).toBe(true)
    expect(list.view.files.filter((file) => file.state === 'done')).toHaveLength(3)
    await list.close()
    expect(list.view.files).toHaveLength(0)
    end()
    vi.useRealTimers()
  })

  it('stops', async () => {
    vi.useFakeTimers()
    const { list, end } = await chosen()
    await list.import()
    await list.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(list.view.importing).toBe(false)
    expect(list.view.files.some((file) => file.state === 'stopped')).toBe(true)
    end()
    vi.useRealTimers()
  })
})

describe('a file', () => {
  it('is written and read to the second', () => {
    expect(secondsField(nowUs)).toBe('2026-11-22T15:00:00')
  })
  it('tells how far it is and whether it is to be decided on', async () => {
    const { list, end } = await chosen()
    const file = byName(list, 'GX')
    expect(percentOf({ ...file, done_us: 90_000_000 })).toBe(50)
    expect(percentOf({ ...file, duration_us: 0 })).toBe(0)
    expect(isOpen({ ...file, state: 'failed', refusal: 'known' })).toBe(false)
    expect(isOpen({ ...file, state: 'failed', refusal: 'reader_died' })).toBe(true)
    expect(suggestedName([{ ...file, folder: 'Dashcam' }], 'x')).toBe('Dashcam')
    expect(suggestedName([{ ...file, folder: 'DCIM' }], 'x')).toBe('x')
    end()
  })
})
