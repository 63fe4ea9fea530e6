import { describe, expect, it } from 'vitest'
import type { CameraPanel, Client } from '../src/ipc/client'
import { memoryClient } from '../src/ipc/memory'
import { Control } from '../src/state/control.svelte'

const settled = () => new Promise((done) => setTimeout(done, 0))

describe('what a camera offers from within', () => {
  it('stops and closes before it is taken away', async () => {
    const memory = memoryClient(new URLSearchParams('phase=open'))
    const found = await memory.cameraPanel('cam0')
    let panel: CameraPanel = {
      ...found,
      talk: true,
      features: { ...found.features, ptz: 'present' },
      ptz: { can_pan_tilt: true, can_zoom: true, can_move_by: false, can_move_to: false, presets_most: 0, has_home: false, is_home_fixed: null, auxiliary_commands: [] },
    }
    const calls: string[] = []
    const client = {
      cameraPanel: async () => panel,
      ptzMove: async () => void calls.push('move'),
      ptzStop: async () => void calls.push('stop'),
      talk: async (_: string, on: boolean) => void calls.push(on ? 'talk' : 'quiet'),
    } as unknown as Client
    const control = new Control(client, 'cam0')
    await control.load()
    control.drive?.hold({ pan: 1, tilt: 0, zoom: 0 })
    void control.talk?.press()
    await settled()
    panel = { ...panel, talk: false, features: { ...panel.features, ptz: 'absent' } }
    await control.load()
    await settled()
    expect(control.drive).toBeNull()
    expect(control.talk).toBeNull()
    expect(calls).toEqual(['move', 'talk', 'stop', 'quiet'])
    control.end()
  })
})
