import { describe, expect, it } from 'vitest'
import type { CameraView, GrantView, PersonView, Terms } from '../src/ipc/client'
import { cellOf, untilOfAll } from '../src/screens/people/cells'

const camera = (id: string, name: string) => ({ id, name }) as CameraView
const plain: Terms = { rights: ['live', 'playback'], back_hours: null, hours: null, until_us: null, opens: null, second: null }
const grant = (id: string, scope: GrantView['scope'], of: string, terms: Partial<Terms> = {}): GrantView => ({
  id,
  person: 'p',
  scope,
  camera: of,
  camera_name: 'Garage',
  clip_start_us: null,
  terms: { ...plain, ...terms },
  second_name: '',
  in_hours: true,
  opened: 0,
  pending: false,
  given_us: 0,
  until_us: terms.until_us ?? null,
  reason: '',
  entry: 1,
})
const person = (grants: GrantView[], until_us: number | null = null): PersonView => ({
  face: { id: 'p', name: 'Lena', owner: false, color: 1 },
  role: '',
  added_us: 0,
  until_us,
  language: null,
  last_opened_us: null,
  grants,
})

describe('a cell of the table', () => {
  it('counts a clip of its own camera, not of another of the same name', () => {
    const lena = person([grant('g', { scope: 'clip', clip: 'x' }, 'old', { rights: ['playback'] })])
    expect(cellOf(lena, camera('new', 'Garage')).clips).toBe(0)
    expect(cellOf(lena, camera('old', 'Garage'))).toMatchObject({ clips: 1, rights: [], back: null })
  })
  it('joins what several grants allow, and looks back as far as the farthest', () => {
    const whole = { scope: 'camera', camera: 'c' } as const
    const lena = person([grant('a', whole, 'c', { back_hours: 24 }), grant('b', whole, 'c', { rights: ['playback', 'copy'], back_hours: 72 })])
    expect(cellOf(lena, camera('c', 'Yard'))).toMatchObject({ rights: ['live', 'playback', 'copy'], back: 72, second: false })
  })
  it('says that somebody must agree only where nothing opens without', () => {
    const whole = { scope: 'camera', camera: 'c' } as const
    const asked = grant('a', whole, 'c', { second: 's' })
    expect(cellOf(person([asked]), camera('c', 'Yard')).second).toBe(true)
    expect(cellOf(person([asked, grant('b', whole, 'c')]), camera('c', 'Yard')).second).toBe(false)
  })
})

describe('the end of a row', () => {
  it('is no later than the end of the guest', () => {
    const day = 86_400_000_000
    const whole = { scope: 'camera', camera: 'c' } as const
    const alone = untilOfAll(person([grant('a', whole, 'c', { until_us: 3 * day })]), 0)
    expect(untilOfAll(person([grant('a', whole, 'c')], 3 * day), 0)).toBe(alone)
    expect(untilOfAll(person([grant('a', whole, 'c', { until_us: 9 * day })], 3 * day), 0)).toBe(alone)
  })
})
