// Files on their way into the vault: under which name, and at which time.

import { dateOf, SECOND_US } from '../../i18n/time'
import type { FootageFile } from '../../ipc/client'

/** `2026-11-22T14:30:05`, for date and time fields that go to the second. */
export function secondsField(us: number): string {
  const date = dateOf(us)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** By how much times are moved: `1:00`, `-0:05:30`, `+24:00`; an empty text moves nothing. Microseconds; `null`: not a span. */
export function parseShift(text: string): number | null {
  const plain = text.trim().replace('−', '-')
  if (plain === '') return 0
  const parts = /^([+-]?)(\d{1,5}):([0-5]\d)(?::([0-5]\d))?$/.exec(plain)
  if (parts === null) return null
  const [, sign, hours, minutes, seconds] = parts
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)) * SECOND_US
  return sign === '-' ? -size : size
}

/** Whether the file is still to be decided on. */
export function isOpen(file: FootageFile): boolean {
  return file.state === 'ready' || file.state === 'stopped' || (file.state === 'failed' && file.refusal !== 'known' && file.codec !== '')
}

/** How far a file is, 0 to 100. */
export function percentOf(file: FootageFile): number {
  if (file.state === 'done') return 100
  return file.duration_us <= 0 ? 0 : Math.min(99, Math.max(0, Math.floor((file.done_us / file.duration_us) * 100)))
}

/** A name for the source of these files: that of the folder they lie in, unless it is one that every card has. */
export function suggestedName(files: FootageFile[], otherwise: string): string {
  const folder = files[0]?.folder ?? ''
  const common = /^(dcim|movie|video|videos|downloads?|tmp|desktop|schreibtisch|normal|event|front|rear|\d+\w*|\/?)$/i
  const isOne = files.every((file) => file.folder === folder)
  return isOne && !common.test(folder) ? folder.slice(0, 64) : otherwise
}
