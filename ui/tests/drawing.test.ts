import { describe, expect, it } from 'vitest'
import type { Client, Mask } from '../src/ipc/client'
import { memoryClient } from '../src/ipc/memory'
import { Drawing, isChanged } from '../src/screens/camera/drawing.svelte'
import { difference, UNCHANGED } from '../src/screens/camera/imaging.svelte'
import { Masks } from '../src/screens/camera/masks.svelte'
import { rectangle } from '../src/screens/camera/shapes'
import { Zones } from '../src/screens/camera/zones.svelte'

const box = rectangle({ x: 0.1, y: 0.1 }, { x: 0.3, y: 0.3 })

describe('drawing', () => {
  it('takes steps back, one at a time', () => {
    const drawing = new Drawing()
    drawing.take([{ key: 'a', corners: box }])
    expect(drawing.canUndo).toBe(false)
    drawing.remember()
    drawing.moveCorner('a', 0, { x: 0, y: 0 })
    drawing.addMiddle()
    expect(drawing.shapes).toHaveLength(2)
    expect(drawing.isChanged).toBe(true)
    drawing.undo()
    expect(drawing.shapes).toHaveLength(1)
    drawing.undo()
    expect(drawing.isChanged).toBe(false)
    expect(drawing.canUndo).toBe(false)
  })
  it('closes a polygon only if it covers something', () => {
    const drawing = new Drawing()
    drawing.addOpen({ x: 0.1, y: 0.1 })
    drawing.addOpen({ x: 0.5, y: 0.1 })
    expect(drawing.close()).toBe(false)
    for (const point of [{ x: 0.1, y: 0.1 }, { x: 0.5, y: 0.1 }, { x: 0.4, y: 0.6 }]) drawing.addOpen(point)
    expect(drawing.close()).toBe(true)
    expect(drawing.selected).toBe(drawing.shapes[0]?.key)
  })
  it('keeps to the number of corners and to upright rectangles', () => {
    const drawing = new Drawing()
    drawing.take([{ key: 'a', corners: box }])
    drawing.cornersMost = 5
    drawing.addCorner('a', 0)
    drawing.addCorner('a', 0)
    expect(drawing.shapes[0]?.corners).toHaveLength(5)
    drawing.upright = true
    drawing.removeCorner('a', 0)
    expect(drawing.shapes[0]?.corners).toHaveLength(5)
  })
})

describe('masks', () => {
  it('go into the camera when they are put there, not before', async () => {
    const client = memoryClient(new URLSearchParams('phase=open'))
    const masks = new Masks(client, 'cam3')
    await masks.load()
    const before = (await client.masks('cam3')).masks.length
    masks.drawing.addMiddle()
    expect((await client.masks('cam3')).masks).toHaveLength(before)
    await masks.put()
    expect((await client.masks('cam3')).masks).toHaveLength(before + 1)
    expect(masks.drawing.isChanged).toBe(false)
  })
  it('that the camera refuses stay drawn, those before are not put twice', async () => {
    const real = memoryClient(new URLSearchParams('phase=open'))
    let puts = 0
    const refusing: Client = {
      ...real,
      setMask: async (camera: string, mask: Mask) => {
        puts += 1
        if (puts === 2) throw { code: 'camera_unsuitable', message: 'too many masks' }
        return real.setMask(camera, mask)
      },
    }
    const masks = new Masks(refusing, 'cam3')
    await masks.load()
    masks.drawing.addMiddle()
    masks.drawing.add(box)
    await masks.put()
    expect(masks.putting.error).toMatchObject({ code: 'camera_unsuitable' })
    expect(masks.drawing.shapes.filter(isChanged)).toHaveLength(1)
    await masks.put()
    expect(masks.putting.error).toBeNull()
    expect((await real.masks('cam3')).masks).toHaveLength(3)
    expect(masks.drawing.isChanged).toBe(false)
  })
  it('that are taken out leave alone what is drawn', async () => {
    const masks = new Masks(memoryClient(new URLSearchParams('phase=open')), 'cam3')
    await masks.load()
    masks.drawing.addMiddle()
    const [first] = masks.drawing.shapes
    const mask = first ? masks.maskOf(first) : null
    if (mask === null) throw new Error('no mask')
    await masks.remove(mask)
    expect(masks.drawing.shapes).toHaveLength(1)
    expect(masks.drawing.isChanged).toBe(true)
  })
})

describe('zones of motion', () => {
  it('are kept as drawn, and none means the whole picture', async () => {
    const client = memoryClient(new URLSearchParams('phase=open'))
    const zones = new Zones(client, 'cam0')
    await zones.load()
    zones.drawing.add(box)
    await zones.set({ sensitivity: 8 })
    expect(zones.drawing.shapes).toHaveLength(1)
    await zones.keepZones()
    expect(await client.motionSettings('cam0')).toEqual({ mode: 'auto', sensitivity: 8, zones: [box] })
    expect(zones.isChanged).toBe(false)
  })
})

describe('changes of the picture', () => {
  it('name only what changed', () => {
    const from = { ...UNCHANGED, brightness: 50, contrast: 40, white_balance: 'auto' as const }
    expect(difference(from, { ...from, contrast: 41 })).toEqual({ ...UNCHANGED, contrast: 41 })
    expect(difference(from, from)).toEqual(UNCHANGED)
    const manual = { manual: { red: 3, blue: null } }
    expect(difference(from, { ...from, white_balance: manual })).toEqual({ ...UNCHANGED, white_balance: manual })
  })
})
