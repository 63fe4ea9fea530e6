import { expect, it } from 'vitest'
import { steadyRate } from '../src/state/steady'

it('a rate stands until it means something else', () => {
  const first = steadyRate(null, { fps: 15, age: 12 })
  expect(first).toEqual({ fps: 15, age: 12 })
  expect(steadyRate(first, { fps: 16, age: 25 })).toBe(first)
  expect(steadyRate(first, { fps: 15, age: 40 })).toEqual({ fps: 15, age: 40 })
  expect(steadyRate(first, { fps: 12, age: 12 })).toEqual({ fps: 12, age: 12 })
  expect(steadyRate({ fps: 0, age: 0 }, { fps: 15, age: 300 })).toEqual({ fps: 15, age: 300 })
  expect(steadyRate({ fps: 25, age: 900 }, { fps: 25, age: 1100 })).toEqual({ fps: 25, age: 900 })
})
