import { describe, expect, it } from 'vitest'
import type { NotifyRules } from '../src/ipc/client'
import { isNever, isOverMidnight, isQuiet, isTold, minutesOf, tell, timeField } from '../src/screens/settings/notify'

const night = { from_min: 22 * 60, to_min: 6 * 60, doorbell_too: false }
const noon = { from_min: 12 * 60, to_min: 14 * 60, doorbell_too: false }

describe('quiet hours', () => {
  it('go over midnight', () => {
    expect(isOverMidnight(night)).toBe(true)
    expect([21 * 60 + 59, 22 * 60, 0, 5 * 60 + 59, 6 * 60].map((at) => isQuiet(night, at))).toEqual([false, true, true, true, false])
  })
  it('or stay within a day', () => {
    expect([11 * 60 + 59, 12 * 60, 13 * 60 + 59, 14 * 60].map((at) => isQuiet(noon, at))).toEqual([false, true, true, false])
    expect(isQuiet(null, 0)).toBe(false)
  })
  it('with equal ends are no hours, as the shell counts them', () => {
    const none = { ...noon, to_min: noon.from_min }
    expect([0, 719, 720, 1439].some((at) => isQuiet(none, at))).toBe(false)
    expect(isNever(none)).toBe(true)
    expect(isOverMidnight(none)).toBe(false)
    expect(isNever(night)).toBe(false)
  })
  it('are read from their fields and back', () => {
    for (const at of [0, 61, 1320, 1439]) expect(minutesOf(timeField(at))).toBe(at)
    for (const text of ['', '24:00', '12:60', 'noon']) expect(minutesOf(text)).toBeNull()
  })
})

describe('the table', () => {
  const rules: NotifyRules = { enabled: true, kinds: [{ camera: 'a', kinds: ['person'] }], quiet: null, pictures: false, bell_sound: true }
  it('changes one cell and nothing else', () => {
    const more = tell(rules, 'a', ['doorbell'], true)
    expect(more.kinds).toEqual([{ camera: 'a', kinds: ['doorbell', 'person'] }])
    expect(tell(more, 'a', ['person'], false).kinds).toEqual([{ camera: 'a', kinds: ['doorbell'] }])
    expect(isTold(tell(rules, 'b', ['motion'], true), 'b', 'motion')).toBe(true)
    expect(isTold(rules, 'b', 'motion')).toBe(false)
  })
  it('has the usual kinds for a camera that is not named', () => {
    expect(isTold(rules, 'b', 'person')).toBe(true)
    expect(isTold(tell(rules, 'b', ['person'], false), 'b', 'person')).toBe(false)
    expect(isTold(tell(rules, 'b', ['person'], false), 'b', 'doorbell')).toBe(true)
  })
})
