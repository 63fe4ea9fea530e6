// Times in fields, exact to the millisecond: finer than any camera's pictures follow each other.

import { dateOf, dateTimeField } from '../../i18n/time'

/** `2026-11-22T14:37:05.120`. */
export function exactField(us: number): string {
  const date = dateOf(us)
  const digits = (n: number, width: number) => String(n).padStart(width, '0')
  return `${dateTimeField(us)}:${digits(date.getSeconds(), 2)}.${digits(date.getMilliseconds(), 3)}`
}

/** The millisecond that a time lies in. */
export function floorMs(us: number): number {
  return Math.floor(us / 1000) * 1000
}
