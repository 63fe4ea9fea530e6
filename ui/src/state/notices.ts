// Which notices stand when there are more than fit: the grave ones outlast the mild ones.

import type { NoticeKind } from '../ipc/client'

/** A notice that the window makes itself, from a snapshot. */
export type OwnNotice = { kind: 'camera_away'; camera: string | null; detail: string }

/** Shown at once, at most. */
export const NOTICES_MOST = 3

const GRAVE: readonly string[] = ['disk_full', 'recording_failed', 'log_unwritable']
const SERIOUS: readonly string[] = ['camera_away', 'camera_moved', 'clock_step', 'events_refused']

/** How much is lost while nobody acts: 2 recordings or openings, 1 something, 0 nothing. */
function weight(kind: string): 0 | 1 | 2 {
  return GRAVE.includes(kind) ? 2 : SERIOUS.includes(kind) ? 1 : 0
}

/** What stays of these, oldest first: the mildest go first, of equal ones the oldest. */
export function kept<T extends { kind: NoticeKind | OwnNotice['kind'] }>(notices: T[], most = NOTICES_MOST): T[] {
  let stay = notices
  while (stay.length > most) {
    const mildest = Math.min(...stay.map((notice) => weight(notice.kind)))
    const first = stay.findIndex((notice) => weight(notice.kind) === mildest)
    stay = stay.filter((_, i) => i !== first)
  }
  return stay
}
