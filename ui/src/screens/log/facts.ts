// What stands in an entry, by name.

import { m } from '../../i18n/generated/messages.js'
import type { LogRow } from '../../ipc/client'

/** The value of a particular. */
export function fact(row: LogRow, name: string): string | null {
  const value = row.facts.find((one) => one.name === name)?.value
  return value === undefined || value === '' ? null : value
}

/** The same as a number. */
export function number(row: LogRow, name: string): number | null {
  const value = fact(row, name)
  return value === null || Number.isNaN(Number(value)) ? null : Number(value)
}

/** The camera that an entry is about, by name. */
export function camera(row: LogRow): string {
  return row.camera_name ?? fact(row, 'name') ?? m.k_a_camera()
}
