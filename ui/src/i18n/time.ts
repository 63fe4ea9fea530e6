// Times and amounts in words. Every function is given the time it should take for now.

import { m } from './generated/messages.js'
import { getLocale } from './generated/runtime.js'

/** Microseconds in a second. */
export const SECOND_US = 1_000_000
/** Microseconds in a minute. */
export const MINUTE_US = 60 * SECOND_US
/** Microseconds in an hour. */
export const HOUR_US = 60 * MINUTE_US

const tags = { en: 'en-GB', de: 'de-DE' } as const
const formats = new Map<string, Intl.DateTimeFormat>()

function format(name: string, options: Intl.DateTimeFormatOptions, at: Date): string {
  const tag = tags[getLocale()]
  const key = `${tag} ${name}`
  let made = formats.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat(tag, { hourCycle: 'h23', ...options })
    formats.set(key, made)
  }
  return made.format(at)
}

/** The JavaScript date of a wire time. */
export function dateOf(us: number): Date {
  return new Date(us / 1000)
}

/** Local midnight that begins the day of `us`, `days` later. */
export function dayStart(us: number, days = 0): number {
  const date = dateOf(us)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime() * 1000
}

/** Minutes of the clock on the wall behind UTC. */
const behind = (us: number) => dateOf(us).getTimezoneOffset()

/** In autumn an hour comes twice: there, the name of its zone after a time; nothing elsewhere. */
function zoneMark(us: number): string {
  const here = behind(us)
  if (behind(us - HOUR_US) >= here && behind(us + HOUR_US) <= here) return ''
  const parts = new Intl.DateTimeFormat(tags[getLocale()], { timeZoneName: 'short' }).formatToParts(dateOf(us))
  return ` ${parts.find((part) => part.type === 'timeZoneName')?.value ?? ''}`
}

const plainSeconds = (us: number) => format('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit' }, dateOf(us))

/** `14:37`; in the hour that comes twice, `02:37 CEST` and `02:37 CET`. */
export function clock(us: number): string {
  return format('clock', { hour: '2-digit', minute: '2-digit' }, dateOf(us)) + zoneMark(us)
}

/** `14:37:02`. */
export function clockSeconds(us: number): string {
  return plainSeconds(us) + zoneMark(us)
}

/** `14:37:02.480`; the decimal sign is a point in every language, as on the picture's clock. */
export function clockMillis(us: number): string {
  const millis = Math.floor(us / 1000) % 1000
  return `${plainSeconds(us)}.${String(millis).padStart(3, '0')}${zoneMark(us)}`
}

/** `Sunday, 22 November`. */
export function longDay(us: number): string {
  return format('long', { weekday: 'long', day: 'numeric', month: 'long' }, dateOf(us))
}

/** `Mon 30 Nov`, with the year when it is another one. */
export function shortDay(us: number, nowUs: number): string {
  const options: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short' }
  const sameYear = dateOf(us).getFullYear() === dateOf(nowUs).getFullYear()
  const text = sameYear
    ? format('short', options, dateOf(us))
    : format('shortYear', { ...options, year: 'numeric' }, dateOf(us))
  return text.replace(/^(\p{L}+),/u, '$1')
}

/** `30 Nov`. */
export function dayMonth(us: number): string {
  return format('dayMonth', { day: 'numeric', month: 'short' }, dateOf(us))
}

/** `Nov`. */
export function monthShort(us: number): string {
  return format('month', { month: 'short' }, dateOf(us))
}

/** `November 2026`. */
export function monthYear(us: number): string {
  return format('monthYear', { month: 'long', year: 'numeric' }, dateOf(us))
}

/** `Today`, `Yesterday` or `Mon 30 Nov`. */
export function day(us: number, nowUs: number): string {
  const start = dayStart(us)
  if (start === dayStart(nowUs)) return m.today()
  if (start === dayStart(nowUs, -1)) return m.yesterday()
  return shortDay(us, nowUs)
}

/** The same within a sentence: `today`, `yesterday` or `Mon 30 Nov`. */
export function dayWithin(us: number, nowUs: number): string {
  const start = dayStart(us)
  if (start === dayStart(nowUs)) return m.today_within()
  if (start === dayStart(nowUs, -1)) return m.yesterday_within()
  return shortDay(us, nowUs)
}

/** Whether both are of one day, in this computer's zone. */
export function isSameDay(us: number, otherUs: number): boolean {
  return dayStart(us) === dayStart(otherUs)
}

/** `today 14:52`, within a sentence. */
export function dayClockWithin(us: number, nowUs: number): string {
  return `${dayWithin(us, nowUs)} ${clock(us)}`
}

/** `Today 14:52`. */
export function dayClock(us: number, nowUs: number): string {
  return `${day(us, nowUs)} ${clock(us)}`
}

/** `today 18:00`, `Mon 30 Nov, 18:00`, or that it holds until taken back; within a sentence. */
export function until(us: number | null, nowUs: number): string {
  if (us === null) return m.until_back()
  return isSameDay(us, nowUs) ? dayClockWithin(us, nowUs) : `${dayWithin(us, nowUs)}, ${clock(us)}`
}

/** `60 s`, `4 min 10 s`, `2 h 5 min`. */
export function span(us: number): string {
  const seconds = Math.max(0, Math.round(us / SECOND_US))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago, roughly: `just now`, `2 min ago`, `3 h ago`, then the day. */
export function ago(us: number, nowUs: number): string {
  const minutes = Math.floor((nowUs - us) / MINUTE_US)
  if (minutes < 1) return m.just_now()
  if (minutes < 60) return m.minutes_ago({ n: minutes })
  if (minutes < 24 * 60) return m.hours_ago({ n: Math.floor(minutes / 60) })
  return dayClockWithin(us, nowUs)
}

/** Whole seconds that are left until `us`, never negative. */
export function secondsLeft(us: number, nowUs: number): number {
  return Math.max(0, Math.ceil((us - nowUs) / SECOND_US))
}

/** `18 231`: groups of three with a thin space that does not break, from five digits on. */
export function amount(n: number): string {
  const digits = String(Math.trunc(n))
  return digits.length < 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** A number in the signs of the language: `1,5` in German. */
export function decimal(n: number, places: number): string {
  return new Intl.NumberFormat(tags[getLocale()], { minimumFractionDigits: places, maximumFractionDigits: places }).format(n)
}

/** `6.2 MB`. */
export function megabytes(bytes: number): string {
  const number = new Intl.NumberFormat(tags[getLocale()], { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })
  return `${number.format(bytes / 1e6)} MB`
}

/** `2026-11-22`, for date fields. */
export function dateField(us: number): string {
  const date = dateOf(us)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** `2026-11-22T14:37`, for date and time fields. */
export function dateTimeField(us: number): string {
  const date = dateOf(us)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${dateField(us)}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** The time that a date field or a date and time field names, in this computer's zone; `null` if unfinished. */
export function fieldTime(text: string): number | null {
  const ms = new Date(text.includes('T') ? text : `${text}T00:00`).getTime()
  return Number.isNaN(ms) ? null : ms * 1000
}
