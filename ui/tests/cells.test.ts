import { describe, expect, it } from 'vitest'
import type { CameraView, PersonView } from '../src/ipc/client'
import { cellOf, clipsOf } from '../src/screens/people/cells'

const camera = (id: string, name: string) => ({ id, name }) as CameraView
const person = {
  face: { id: 'p', name: 'Lena', owner: false, color: 1 },
  added_us: 0,
  last_opened_us: null,
  grants: [{ id: 'g', person: 'p', scope: { scope: 'clip', clip: 'x' }, camera_name: 'Garage', clip_start_us: 7, given_us: 0, until_us: null, reason: '', entry: 1 }],
} satisfies PersonView

describe('a single clip in the table', () => {
  it('belongs to its own camera, not to another of the same name', () => {
    const [older, newer] = [camera('old', 'Garage'), camera('new', 'Garage')]
    expect(clipsOf([person])).toEqual([{ clip: 'x', startUs: 7 }])
    expect(cellOf(person, newer, () => 'old').clips).toBe(0)
    expect(cellOf(person, older, () => 'old').clips).toBe(1)
    expect(cellOf(person, older, () => null).clips).toBe(0)
    expect(cellOf(person, newer, () => undefined).clips).toBe(1)
  })
})
