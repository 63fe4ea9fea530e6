// Sums about a camera's card: what of a picked span is on it, what of that the vault has already, how far a fetch is.

import { dateField, dayStart, fieldTime, MINUTE_US, SECOND_US } from '../../i18n/time'
import type { CardJob, CardSpan } from '../../ipc/client'

/** A stretch of time. */
export interface Stretch {
  from_us: number
  to_us: number
}

/** What is shorter is not fetched. */
export const LEAST_US = 2 * SECOND_US
/** How much is picked with one click. */
const PICKED_US = 10 * MINUTE_US

/** The time that hours and minutes name on the day that begins at `fromUs`, also on days that are longer or shorter than
 * others. `24:00` is its end; `null` for anything else. */
export function timeOn(fromUs: number, text: string): number | null {
  if (text === '24:00') return dayStart(fromUs, 1)
  if (!/^([01]?\d|2[0-3]):[0-5]\d$/.test(text)) return null
  return fieldTime(`${dateField(fromUs)}T${text.padStart(5, '0')}`)
}

/** Hours and minutes of a time on the day that begins at `fromUs`. */
export function textOn(fromUs: number, us: number): string {
  if (us >= dayStart(fromUs, 1)) return '24:00'
  const date = new Date(us / 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

/** What of the spans lies in a stretch. */
export function within(spans: CardSpan[], stretch: Stretch): CardSpan[] {
  return spans
    .map((span) => ({ ...span, from_us: Math.max(span.from_us, stretch.from_us), to_us: Math.min(span.to_us, stretch.to_us) }))
    .filter((span) => span.to_us - span.from_us >= LEAST_US)
}

/** What of a stretch is left without `have`, as far as it is worth fetching. */
export function without(stretch: Stretch, have: Stretch[]): Stretch[] {
  const left: Stretch[] = []
  let from_us = stretch.from_us
  const take = (to_us: number) => {
    if (to_us - from_us >= LEAST_US) left.push({ from_us, to_us })
  }
  for (const one of [...have].sort((a, b) => a.from_us - b.from_us)) {
    take(Math.min(one.from_us, stretch.to_us))
    from_us = Math.max(from_us, one.to_us)
  }
  take(stretch.to_us)
  return left
}

/** Whether the card has something of a stretch that the vault does not have. */
export function hasNews(spans: CardSpan[], kept: Stretch[], stretch: Stretch): boolean {
  return within(spans, stretch).some((span) => without(span, kept).length > 0)
}

/** The span to be picked with a click at `atUs`: some minutes of what is there, on whole minutes. */
export function pickAt(span: Stretch, atUs: number): Stretch {
  const down = (us: number) => Math.floor(us / MINUTE_US) * MINUTE_US
  const up = (us: number) => Math.ceil(us / MINUTE_US) * MINUTE_US
  const from_us = Math.max(down(span.from_us), Math.min(down(atUs), up(span.to_us) - PICKED_US))
  return { from_us, to_us: Math.min(up(span.to_us), from_us + PICKED_US) }
}

/** How much of a fetch is done, in whole percent; 100 only when it is. */
export function percentDone(job: CardJob): number {
  if (job.state === 'done') return 100
  const share = job.done_us / Math.max(1, job.to_us - job.from_us)
  return Math.min(99, Math.max(0, Math.floor(share * 100)))
}

/** Whether a fetch has not ended. */
export function isOpen(job: CardJob): boolean {
  return job.state === 'waiting' || job.state === 'running'
}

/** The span that is played at a time: the one that holds it, else the first after it. */
export function spanAt(spans: CardSpan[], atUs: number): CardSpan | null {
  return spans.find((span) => atUs >= span.from_us && atUs < span.to_us) ?? spans.find((span) => span.from_us > atUs) ?? null
}
