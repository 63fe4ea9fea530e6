import { describe, expect, it } from 'vitest'
import { addCorner, area, arrowStep, covers, fitted, isRectangle, moveCorner, moveShape, pointAt, rectangle, removeCorner, sameShape } from '../src/screens/camera/shapes'

const box = rectangle({ x: 0.6, y: 0.8 }, { x: 0.2, y: 0.4 })

describe('shapes on a picture', () => {
  it('begin at the upper left corner, whichever way they are drawn', () => {
    expect(box[0]).toEqual({ x: 0.2, y: 0.4 })
    expect(isRectangle(box)).toBe(true)
    expect(area(box)).toBeCloseTo(0.16)
  })
  it('stay upright when they must', () => {
    const moved = moveCorner(box, 0, { x: 0.1, y: 0.1 }, true)
    expect(isRectangle(moved)).toBe(true)
    expect(moved[3]).toEqual({ x: 0.1, y: 0.8 })
    expect(isRectangle(moveCorner(box, 0, { x: 0.1, y: 0.1 }, false))).toBe(false)
  })
  it('stay inside the picture', () => {
    expect(moveCorner(box, 2, { x: 3, y: -1 }, false)[2]).toEqual({ x: 1, y: 0 })
    const pushed = moveShape(box, 5, -5)
    expect(Math.max(...pushed.map(({ x }) => x))).toBe(1)
    expect(Math.min(...pushed.map(({ y }) => y))).toBe(0)
    expect(area(pushed)).toBeCloseTo(area(box))
  })
  it('gain and lose corners, but keep three', () => {
    const five = addCorner(box, 3)
    expect(five).toHaveLength(5)
    expect(five[4]).toEqual({ x: 0.2, y: 0.6 })
    expect(area(five)).toBeCloseTo(area(box))
    expect(sameShape(removeCorner(five, 4), box)).toBe(true)
    expect(removeCorner(box.slice(0, 3), 0)).toHaveLength(3)
  })
  it('that are a line cover nothing', () => {
    expect(covers(rectangle({ x: 0.2, y: 0.2 }, { x: 0.2, y: 0.9 }))).toBe(false)
    expect(covers(box.slice(0, 2))).toBe(false)
    expect(covers(box)).toBe(true)
  })
  it('are found under the pointer of a picture that does not fill its place', () => {
    const rect = fitted({ x: 0, y: 0, width: 1000, height: 1000 }, 2)
    expect(rect).toEqual({ x: 0, y: 250, width: 1000, height: 500 })
    expect(pointAt(500, 500, rect)).toEqual({ x: 0.5, y: 0.5 })
    expect(pointAt(500, 100, rect)).toEqual({ x: 0.5, y: 0 })
  })
  it('move farther with Shift', () => {
    expect(arrowStep('ArrowUp', false)?.y).toBeLessThan(0)
    expect(Math.abs(arrowStep('ArrowUp', true)?.y ?? 0)).toBeGreaterThan(Math.abs(arrowStep('ArrowUp', false)?.y ?? 0))
    expect(arrowStep('a', false)).toBeNull()
  })
})
