import { describe, expect, it } from 'vitest'
import { placeAt, placeLine } from '../src/screens/clips/track'

const SECOND = 1_000_000
const at = (seconds: number) => ({ at_us: seconds * SECOND, latitude: 48.13712, longitude: -11.5, speed_kmh: 43.4 })

describe('where a dashcam was', () => {
  it('is the last place before', () => {
    const track = [at(10), at(11), at(12)]
    expect([9, 9.5, 11.9, 16, 18].map((s) => placeAt(track, s * SECOND)?.at_us ?? null)).toEqual([null, 10 * SECOND, 11 * SECOND, 12 * SECOND, null])
    expect(placeAt([], 5)).toBeNull()
  })
  it('is written with its speed, if there is one', () => {
    expect(placeLine(at(1))).toContain('48.13712° N, 11.50000° W · 43 km/h')
    expect(placeLine({ ...at(1), speed_kmh: null })).not.toContain('km/h')
  })
})
