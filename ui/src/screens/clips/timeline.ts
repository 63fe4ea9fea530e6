// Sums of the timeline: what is shown, how it is zoomed and moved, which times stand above the lanes.

import { dateOf, dayStart, HOUR_US, MINUTE_US, SECOND_US } from '../../i18n/time'

/** What part of time is shown. */
export interface Window {
  fromUs: number
  toUs: number
}

/** Microseconds in a day of 24 hours. */
export const DAY_US = 24 * HOUR_US
/** The shortest part that is shown. */
export const SHORTEST_US = SECOND_US
/** The longest part that the owner sees at once: a year and a bit. */
export const LONGEST_US = 400 * DAY_US
/** The longest part that others see at once. */
export const LONGEST_OF_MEMBERS_US = 8 * DAY_US
/** How far back anybody looks: saved footage may be much older than any recording. */
const PAST_US = 40 * 366 * DAY_US

/** Where a window may lie. */
export interface Limits {
  nowUs: number
  longestUs: number
}

/** How long a window is. */
export function lengthOf(window: Window): number {
  return window.toUs - window.fromUs
}

/** Where a time stands in the window. Pixels; may lie outside. */
export function xOf(us: number, window: Window, widthPx: number): number {
  return ((us - window.fromUs) / lengthOf(window)) * widthPx
}

/** Where a time stands in the window, in percent of its width; may lie outside. */
export function percent(us: number, window: Window): number {
  return xOf(us, window, 100)
}

/** The part of a span that lies in the window; `null` when none does. Percent. */
export function piece(fromUs: number, toUs: number, window: Window, leastPercent = 0): { left: number; width: number } | null {
  if (toUs < window.fromUs || fromUs > window.toUs) return null
  const left = Math.max(0, percent(fromUs, window))
  const right = Math.min(100, percent(toUs, window))
  return { left, width: Math.max(leastPercent, right - left) }
}

/** The time at a place in the window. */
export function timeOf(x: number, window: Window, widthPx: number): number {
  return window.fromUs + (x / Math.max(1, widthPx)) * lengthOf(window)
}

/** The whole day of a time; 23 or 25 hours where clocks are changed. */
export function dayOf(us: number): Window {
  return { fromUs: dayStart(us), toUs: dayStart(us, 1) }
}

/** The nearest window of the same length that may be. */
export function within(window: Window, limits: Limits): Window {
  const length = Math.min(limits.longestUs, Math.max(SHORTEST_US, lengthOf(window)))
  const now = dateOf(limits.nowUs)
  // A day, and a month, are shown whole before they are over.
  const month = length >= 20 * DAY_US ? new Date(now.getFullYear(), now.getMonth() + 1, 1).getTime() * 1000 : 0
  const last = Math.max(dayStart(limits.nowUs, 1), month, limits.nowUs + length / 40)
  const toUs = Math.min(last, window.fromUs + length)
  const fromUs = Math.max(limits.nowUs - PAST_US, toUs - length)
  return { fromUs, toUs: fromUs + length }
}

/** The window `factor` times as long, around `atUs`, which stays where it is. */
export function zoomed(window: Window, factor: number, atUs: number, limits: Limits): Window {
  const length = Math.min(limits.longestUs, Math.max(SHORTEST_US, lengthOf(window) * factor))
  const share = (atUs - window.fromUs) / lengthOf(window)
  const fromUs = atUs - share * length
  return within({ fromUs, toUs: fromUs + length }, limits)
}

/** The window moved by a share of its length. */
export function moved(window: Window, share: number, limits: Limits): Window {
  const by = lengthOf(window) * share
  return within({ fromUs: window.fromUs + by, toUs: window.toUs + by }, limits)
}

/** The window of the same length with `atUs` in view: not moved if it is, else centred. */
export function showing(window: Window, atUs: number, limits: Limits): Window {
  const edge = lengthOf(window) / 20
  if (atUs >= window.fromUs + edge && atUs <= window.toUs - edge) return window
  const fromUs = atUs - lengthOf(window) / 2
  return within({ fromUs, toUs: fromUs + lengthOf(window) }, limits)
}

/** Named lengths, each with the windows that it makes around a time: whole days, months and years of the calendar. */
export const ZOOMS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'] as const
export type Zoom = (typeof ZOOMS)[number]

/** About how long each is. */
export const ZOOM_US: Record<Zoom, number> = {
  year: 365 * DAY_US,
  month: 30 * DAY_US,
  week: 7 * DAY_US,
  day: DAY_US,
  hour: HOUR_US,
  minute: MINUTE_US,
  second: SECOND_US,
}

/** The window of a named length around a time; a day is the calendar's. */
export function zoomTo(zoom: Zoom, atUs: number, limits: Limits): Window {
  const date = dateOf(atUs)
  const midnight = (year: number, month: number, day: number) => new Date(year, month, day).getTime() * 1000
  if (zoom === 'day') return within(dayOf(atUs), limits)
  if (zoom === 'month') {
    return within({ fromUs: midnight(date.getFullYear(), date.getMonth(), 1), toUs: midnight(date.getFullYear(), date.getMonth() + 1, 1) }, limits)
  }
  const length = ZOOM_US[zoom]
  return within({ fromUs: atUs - length / 2, toUs: atUs + length / 2 }, limits)
}

/** Which named length a window is nearest to. */
export function zoomOf(window: Window): Zoom {
  const length = Math.log(lengthOf(window))
  const away = (zoom: Zoom) => Math.abs(Math.log(ZOOM_US[zoom]) - length)
  return ZOOMS.reduce((best, zoom) => (away(zoom) < away(best) ? zoom : best))
}

/** How far apart the times above the lanes stand. */
export type Step = { unit: 'us' | 'hour' | 'day' | 'week' | 'month' | 'year'; n: number; us: number }

const us = (n: number): Step => ({ unit: 'us', n, us: n })
const of = (unit: Step['unit'], n: number, length: number): Step => ({ unit, n, us: n * length })
const STEPS: Step[] = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((seconds) => us(seconds * SECOND_US)),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => us(minutes * MINUTE_US)),
  ...[1, 2, 3, 6, 12].map((hours) => of('hour', hours, HOUR_US)),
  of('day', 1, DAY_US),
  of('day', 2, DAY_US),
  of('week', 1, 7 * DAY_US),
  of('month', 1, 30 * DAY_US),
  of('month', 3, 30 * DAY_US),
  of('year', 1, 365 * DAY_US),
]

/** A time above the lanes. */
export interface Tick {
  us: number
  /** Midnight, the first of a month or of a year: it names its date. */
  major: boolean
}

/** The step between times that leaves each about `leastPx`. */
export function stepOf(window: Window, widthPx: number, leastPx = 74): Step {
  const usPerPx = lengthOf(window) / Math.max(1, widthPx)
  return STEPS.find((step) => step.us / usPerPx >= leastPx) ?? STEPS[STEPS.length - 1]!
}

/**
 * Round times of this computer's calendar in the window. On the days on which clocks are changed the hours are those of the
 * clock on the wall: one is missing in spring, and one stands twice in autumn.
 */
export function ticks(window: Window, step: Step): Tick[] {
  const found: Tick[] = []
  const add = (at: number, major: boolean) => {
    if (at >= window.fromUs && at <= window.toUs && found.at(-1)?.us !== at) found.push({ us: at, major })
  }
  const from = dateOf(window.fromUs)
  const [year, month] = [from.getFullYear(), from.getMonth()]
  const at = (y: number, mo: number, d: number, h = 0) => new Date(y, mo, d, h).getTime() * 1000
  switch (step.unit) {
    case 'us': {
      // From a whole hour of the clock on the wall, for there are zones with half hours.
      const hour = new Date(from)
      hour.setMinutes(0, 0, 0)
      const begin = hour.getTime() * 1000
      const first = begin + Math.floor((window.fromUs - begin) / step.us) * step.us
      for (let n = 0; first + n * step.us <= window.toUs; n += 1) {
        const tick = first + n * step.us
        add(tick, tick === dayStart(tick))
      }
      return found
    }
    case 'hour':
      for (let day = dayStart(window.fromUs); day <= window.toUs; day = dayStart(day, 1)) {
        const end = dayStart(day, 1)
        if (step.n === 1) for (let tick = day; tick < end; tick += HOUR_US) add(tick, tick === day)
        else {
          const date = dateOf(day)
          for (let h = 0; h < 24; h += step.n) add(at(date.getFullYear(), date.getMonth(), date.getDate(), h), h === 0)
        }
      }
      return found
    case 'day':
      for (let day = dayStart(window.fromUs); day <= window.toUs; day = dayStart(day, 1)) {
        const date = dateOf(day).getDate()
        // Every second day is an odd one; the 31st would stand too close to the first.
        if (step.n === 1 || (date % 2 === 1 && date !== 31)) add(day, date === 1)
      }
      return found
    case 'week': {
      const begin = dayStart(window.fromUs, -((from.getDay() + 6) % 7))
      for (let day = begin; day <= window.toUs; day = dayStart(day, 7)) add(day, dateOf(day).getDate() <= 7)
      return found
    }
    case 'month':
      for (let n = month - (month % step.n); at(year, n, 1) <= window.toUs; n += step.n) add(at(year, n, 1), ((n % 12) + 12) % 12 === 0)
      return found
    case 'year':
      for (let n = year; at(n, 0, 1) <= window.toUs; n += 1) add(at(n, 0, 1), true)
      return found
  }
}
