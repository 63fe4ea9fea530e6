// Times of the timeline in words: above the lanes, at the head, and of the whole window.

import { clock, clockMillis, clockSeconds, dateOf, day, dayMonth, dayStart, HOUR_US, MINUTE_US, monthShort, monthYear, SECOND_US, shortDay } from '../../i18n/time'
import { DAY_US, lengthOf, type Step, type Tick, type Window } from './timeline'

/** What stands at a time above the lanes. */
export function tickLabel(tick: Tick, step: Step): string {
  const { us, major } = tick
  switch (step.unit) {
    case 'year':
      return String(dateOf(us).getFullYear())
    case 'month':
      return major ? String(dateOf(us).getFullYear()) : monthShort(us)
    case 'week':
    case 'day':
      return dayMonth(us)
    case 'hour':
    case 'us':
      if (major) return dayMonth(us)
      // Tenths are enough.
      if (step.us < SECOND_US) return clockMillis(us).replace(/(\.\d)\d\d/, '$1')
      return step.us < MINUTE_US ? clockSeconds(us) : clock(us)
  }
}

/** A moment, as exact as the window shows it: `Today 14:37:02`. */
export function momentLabel(us: number, window: Window, nowUs: number): string {
  const length = lengthOf(window)
  const time = length <= 20 * SECOND_US ? clockMillis(us) : length <= 2 * DAY_US ? clockSeconds(us) : clock(us)
  return length > 60 * DAY_US ? day(us, nowUs) : `${day(us, nowUs)} ${time}`
}

/** The time at the head, short: its day is seen beside it. */
export function headLabel(us: number, window: Window): string {
  const length = lengthOf(window)
  if (length <= 20 * SECOND_US) return clockMillis(us)
  if (length <= 2 * DAY_US) return clockSeconds(us)
  return length <= 60 * DAY_US ? `${dayMonth(us)} ${clock(us)}` : dayMonth(us)
}

/** What a window shows: `Today`, `November 2026`, `Today 14:00 – 15:00`, `Mon 2 Nov – Sun 22 Nov`. */
export function windowLabel(window: Window, nowUs: number): string {
  const { fromUs, toUs } = window
  const from = dateOf(fromUs)
  if (fromUs === dayStart(fromUs) && toUs === dayStart(fromUs, 1)) return day(fromUs, nowUs)
  const month = new Date(from.getFullYear(), from.getMonth(), 1).getTime() * 1000
  const nextMonth = new Date(from.getFullYear(), from.getMonth() + 1, 1).getTime() * 1000
  if (fromUs === month && toUs === nextMonth) return monthYear(fromUs)
  const length = lengthOf(window)
  const time = length <= 20 * SECOND_US ? clockMillis : length <= 10 * MINUTE_US ? clockSeconds : clock
  if (dayStart(fromUs) === dayStart(toUs - 1)) return `${day(fromUs, nowUs)} ${time(fromUs)} – ${time(toUs)}`
  if (length <= 2 * DAY_US) return `${day(fromUs, nowUs)} ${time(fromUs)} – ${day(toUs, nowUs)} ${time(toUs)}`
  return `${shortDay(fromUs, nowUs)} – ${shortDay(toUs - HOUR_US, nowUs)}`
}
