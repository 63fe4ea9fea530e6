// Which notices stand when there are more than fit: the grave ones outlast the mild ones.

import type { NoticeKind } from '../ipc/client'

/** A notice that the window makes itself, from a snapshot. */
export type OwnNotice = { kind: 'camera_away'; camera: string | null; detail: string }

/** Shown at once, at most. */
export const NOTICES_MOST = 3

/** How much is lost while nobody acts: 2 recordings or openings, 1 something, 0 nothing. */
export function weight(kind: NoticeKind | OwnNotice['kind']): 0 | 1 | 2 {
  switch (kind) {
    case 'disk_full':
    case 'recording_failed':
    case 'log_unwritable':
    case 'only_held_left':
    case 'witness_differs':
      return 2
    case 'camera_away':
    case 'camera_moved':
    case 'clock_step':
    case 'events_refused':
      return 1
    case 'recovered':
    case 'camera_came':
    case 'event_flood':
    case 'not_of_this_vault':
    case 'import_is_the_owners':
      return 0
  }
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
