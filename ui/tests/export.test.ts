import { describe, expect, it } from 'vitest'
import { fieldTime } from '../src/i18n/time'
import { isOpen, percent } from '../src/screens/export/exports.svelte'
import { exactField, floorMs } from '../src/screens/export/span'
import { memoryClient } from '../src/ipc/memory'

describe('the fields of a span', () => {
  it('keep the millisecond', () => {
    const us = 1_795_349_980_123_456
    expect(floorMs(us)).toBe(1_795_349_980_123_000)
    expect(fieldTime(exactField(us))).toBe(floorMs(us))
  })
})

describe('an export', () => {
  it('is open until it has ended, and whole only at its end', async () => {
    const client = memoryClient(new URLSearchParams('phase=open'))
    const camera = (await client.cameras())[0]!
    const order = { cameras: [camera.id], from_us: 1, to_us: 2, folder: '/tmp', recipient: '', on_picture: false, purpose: '', packed: false }
    const id = await client.startExport(order, null)
    const running = (await client.exports())[0]!
    expect(isOpen(running)).toBe(true)
    expect(percent({ ...running, done_permille: 999 })).toBe(99)
    await client.stopExport(id)
    expect(isOpen((await client.exports())[0]!)).toBe(false)
  })
})
