import { describe, expect, it } from 'vitest'
import { backOffMs, HEADER_BYTES, readFrame } from '../src/ipc/frames'

function message(width: number, height: number, bytes = HEADER_BYTES + width * height * 4): ArrayBuffer {
  const made = new ArrayBuffer(bytes)
  const view = new DataView(made)
  view.setUint32(0, 0x31465248, true)
  view.setUint16(4, 3, true)
  view.setUint32(8, 7, true)
  view.setUint32(12, width, true)
  view.setUint32(16, height, true)
  view.setFloat64(20, 40.5, true)
  return made
}

describe('pictures for canvases', () => {
  it('starts with HRF1', () => {
    expect(new TextDecoder().decode(message(1, 1).slice(0, 4))).toBe('HRF1')
  })
  it('reads a whole picture', () => {
    const frame = readFrame(message(2, 3))
    expect(frame).toMatchObject({ tile: 3, generation: 7, width: 2, height: 3, ptsMs: 40.5 })
    expect(frame?.pixels.length).toBe(24)
  })
  it('refuses what is too short, too long, empty or something else', () => {
    expect(readFrame(message(2, 3, 40))).toBeNull()
    expect(readFrame(message(2, 3, 60))).toBeNull()
    expect(readFrame(message(0, 3))).toBeNull()
    expect(readFrame(new ArrayBuffer(8))).toBeNull()
    const other = message(2, 3)
    new DataView(other).setUint32(0, 1, true)
    expect(readFrame(other)).toBeNull()
  })
  it('waits longer after each failure, up to five seconds', () => {
    expect([0, 1, 2, 3].map(backOffMs)).toEqual([100, 200, 400, 800])
    expect(backOffMs(50)).toBe(5000)
  })
})
