// What recording is called in the window: modes, states, gaps, sizes.

import { decimal } from './time'
import { m } from './generated/messages.js'
import { getLocale } from './generated/runtime.js'
import type { GapReason, RecordMode, RecordState } from '../ipc/client'

/** A mode. */
export function modeWord(mode: RecordMode): string {
  switch (mode) {
    case 'always':
      return m.rec_always()
    case 'events':
      return m.rec_events()
    case 'off':
      return m.rec_off()
  }
}

/** Whether a camera is recorded, and if not, why. */
export function recordWord(state: RecordState): string {
  switch (state) {
    case 'recording':
      return m.tile_rec()
    case 'waiting':
      return m.rec_state_waiting()
    case 'off':
      return m.rec_state_off()
    case 'off_by_schedule':
      return m.rec_state_schedule()
    case 'disk_full':
      return m.rec_state_disk()
    case 'no_pictures':
      return m.rec_state_none()
  }
}

/** Why there is no clip of some time. */
export function gapWord(reason: GapReason): string {
  switch (reason) {
    case 'off':
      return m.gap_off()
    case 'schedule':
      return m.gap_schedule()
    case 'waiting':
      return m.gap_waiting()
    case 'unreachable':
      return m.gap_unreachable()
    case 'sign_in_refused':
      return m.gap_sign_in()
    case 'no_picture':
      return m.gap_no_picture()
    case 'disk_full':
      return m.gap_disk()
    case 'not_running':
      return m.gap_not_running()
    case 'clock_step':
      return m.gap_clock()
  }
}

/** `43 GB`, `1.2 TB`, `310 MB`. */
export function size(bytes: number): string {
  const [unit, n] = bytes >= 1e12 ? ['TB', bytes / 1e12] : bytes >= 1e9 ? ['GB', bytes / 1e9] : ['MB', bytes / 1e6]
  return `${decimal(n, n < 10 ? 1 : 0)} ${unit}`
}

/** Monday to Sunday. */
export function weekdays(): { long: string; short: string }[] {
  const tag = getLocale() === 'de' ? 'de-DE' : 'en-GB'
  const [long, short] = (['long', 'short'] as const).map((weekday) => new Intl.DateTimeFormat(tag, { weekday, timeZone: 'UTC' }))
  return Array.from({ length: 7 }, (_, i) => {
    // 4 January 2027 is a Monday.
    const at = new Date(Date.UTC(2027, 0, 4 + i))
    return { long: long!.format(at), short: short!.format(at) }
  })
}
