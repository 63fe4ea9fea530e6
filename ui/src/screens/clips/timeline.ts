// Sums of the timeline: where a time stands, which ticks to draw, how the wheel zooms.

import type { Lane } from '../../ipc/client'
import { dayStart, HOUR_US, MINUTE_US } from '../../i18n/time'

/** What part of the day is shown. */
export interface Window {
  fromUs: number
  toUs: number
}

/** Where a time stands in the window, in percent of its width; may lie outside. */
export function percent(us: number, window: Window): number {
  return ((us - window.fromUs) / (window.toUs - window.fromUs)) * 100
}

/** The part of a span that lies in the window; `null` when none does. Percent. */
export function piece(fromUs: number, toUs: number, window: Window, leastPercent = 0): { left: number; width: number } | null {
  if (toUs < window.fromUs || fromUs > window.toUs) return null
  const left = Math.max(0, percent(fromUs, window))
  const right = Math.min(100, percent(toUs, window))
  return { left, width: Math.max(leastPercent, right - left) }
}

const STEPS_US = [6 * HOUR_US, 3 * HOUR_US, 2 * HOUR_US, HOUR_US, 30 * MINUTE_US, 10 * MINUTE_US, 5 * MINUTE_US, MINUTE_US]

/** Round times to write above the lanes: about `most` of them. */
export function ticks(window: Window, most = 9): number[] {
  const length = window.toUs - window.fromUs
  const step = [...STEPS_US].reverse().find((us) => length / us <= most) ?? 6 * HOUR_US
  const day = dayStart(window.fromUs)
  const first = day + Math.ceil((window.fromUs - day) / step) * step
  const found: number[] = []
  for (let us = first; us <= window.toUs; us += step) found.push(us)
  return found
}

/** Where the keys stop on a lane: where recording begins, and where something happened. */
export function stops(lane: Pick<Lane, 'recorded' | 'events'>): number[] {
  const found = new Set([...lane.recorded, ...lane.events].map((span) => span.from_us))
  return [...found].sort((a, b) => a - b)
}

/** The stop that a key leads to from `atUs`; `null` for other keys, and where there is none. */
export function stopOfKey(key: string, atUs: number, all: number[]): number | null {
  switch (key) {
    case 'ArrowRight':
    case 'ArrowUp':
      return all.find((us) => us > atUs) ?? all.at(-1) ?? null
    case 'ArrowLeft':
    case 'ArrowDown':
      return all.findLast((us) => us < atUs) ?? all[0] ?? null
    case 'Home':
      return all[0] ?? null
    case 'End':
      return all.at(-1) ?? null
    default:
      return null
  }
}

/** The window after a turn of the wheel over `atUs`: never more than `day`, never less than ten minutes. */
export function zoom(window: Window, day: Window, atUs: number, turns: number): Window {
  const length = window.toUs - window.fromUs
  const wanted = length * 1.25 ** turns
  const next = Math.min(day.toUs - day.fromUs, Math.max(10 * MINUTE_US, wanted))
  const share = (atUs - window.fromUs) / length
  let fromUs = atUs - share * next
  fromUs = Math.min(Math.max(fromUs, day.fromUs), day.toUs - next)
  return { fromUs, toUs: fromUs + next }
}
