// Orders to cameras as sentences, and why one was not carried out.

import { m } from '../../i18n/generated/messages.js'
import { span } from '../../i18n/time'
import { codecWord } from '../../i18n/words'
import type { LogRow } from '../../ipc/client'
import { camera, fact, number } from './facts'

/** What was done to a camera from within; `null` for older kinds of entry. */
export function orderSentence(row: LogRow): string | null {
  const at = { camera: camera(row) }
  const account = fact(row, 'account') ?? ''
  const token = fact(row, 'token') ?? ''
  const on = fact(row, 'on') !== 'false'
  switch (fact(row, 'what')) {
    case 'account_password':
      return m.k_c_account_password({ ...at, account })
    case 'account_deleted':
      return m.k_c_account_deleted({ ...at, account })
    case 'account_made':
      return m.k_c_account_made({ ...at, account })
    case 'account_in_use':
      return m.k_c_account_in_use({ ...at, account })
    case 'relay':
      return on ? m.k_c_relay_on({ ...at, token }) : m.k_c_relay_off({ ...at, token })
    case 'streams':
      return m.k_c_streams(at)
    case 'certificate_accepted':
      return m.k_c_certificate(at)
    case 'reboot':
      return m.k_c_reboot(at)
    case 'clock':
      return m.k_c_clock(at)
    case 'imaging':
      return m.k_c_imaging(at)
    case 'encoder':
      return m.k_c_encoder(at)
    case 'osd':
      return m.k_c_osd(at)
    case 'osd_deleted':
      return m.k_c_osd_deleted(at)
    case 'mask':
      return on ? m.k_c_mask(at) : m.k_c_mask_off(at)
    case 'mask_deleted':
      return m.k_c_mask_deleted(at)
    case 'ptz_move':
      return m.k_c_ptz_move(at)
    case 'ptz_preset':
      return m.k_c_ptz_preset(at)
    case 'ptz_home':
      return m.k_c_ptz_home(at)
    case 'preset_saved':
      return m.k_c_preset_saved(at)
    case 'preset_removed':
      return m.k_c_preset_removed(at)
    case 'home_saved':
      return m.k_c_home_saved(at)
    case 'sign_in_taken_over':
      return m.k_c_sign_in_taken_over(at)
    case 'sign_in_stayed':
      return m.k_c_sign_in_stayed(at)
    case 'certificate_remembered':
      return m.k_c_certificate_remembered(at)
    case 'talk':
      return m.k_c_talk(at)
    case 'talk_ended':
      return m.k_c_talk_ended(at)
    case 'failed':
      return m.k_c_failed(at)
    case 'unanswered':
      return m.k_c_unanswered(at)
    case 'events_refused':
      return m.k_c_events_refused(at)
    case 'events_again':
      return m.k_c_events_again(at)
    case 'streams_moved':
      return m.k_c_streams_moved(at)
    default:
      return null
  }
}

function codecOf(name: string | null): string | null {
  return name === 'h264' || name === 'h265' || name === 'mjpeg' ? codecWord(name) : name
}

/** The particulars of what was done to a camera. */
export function orderGround(row: LogRow): string {
  switch (fact(row, 'what')) {
    case 'failed':
    case 'unanswered':
      return row.refers_to === null ? (fact(row, 'why') ?? '') : m.log_allowed_entry({ n: row.refers_to })
    case 'encoder':
      return [fact(row, 'size')?.replace('x', ' × '), codecOf(fact(row, 'codec'))].filter((part) => part !== undefined && part !== null).join(' · ')
    case 'preset_saved':
      return fact(row, 'name') ?? ''
    case 'osd':
      return fact(row, 'text') ?? ''
    case 'talk_ended': {
      const seconds = number(row, 'seconds')
      return seconds === null ? '' : span(seconds * 1e6)
    }
    default:
      return ''
  }
}

/** Why an order to a camera failed, and which; `null` for orders that did not. */
export function failureGround(row: LogRow, amount: (n: number) => string): string | null {
  const what = fact(row, 'what')
  if (what !== 'failed' && what !== 'unanswered') return null
  const why = fact(row, 'why')
  const parts = [why === null ? null : whyNot(why), row.refers_to === null ? null : m.log_allowed_entry({ n: amount(row.refers_to) })]
  return parts.filter((part) => part !== null).join(' · ')
}

/** Why something that was to be done to a camera was not, by the names of the engine. */
function whyNot(code: string): string {
  const reasons: Record<string, () => string> = {
    camera_bad_address: m.wn_no_answer,
    camera_nothing_there: m.wn_no_answer,
    camera_no_network: m.wn_no_network,
    camera_unreachable: m.wn_no_answer,
    camera_closed_early: m.wn_broke_off,
    camera_timed_out: m.wn_too_slow,
    camera_too_slow: m.wn_too_slow,
    camera_certificate_changed: m.wn_certificate,
    camera_encryption_lost: m.wn_encryption,
    camera_refused_for_now: m.wn_later,
    camera_not_allowed: m.wn_not_allowed,
    camera_password_needed: m.wn_refused,
    camera_not_authorized: m.wn_refused,
    camera_locked_out: m.wn_locked_out,
    camera_password_in_clear: m.wn_in_clear,
    camera_fault: m.wn_fault,
    camera_http_status: m.wn_fault,
    camera_answer_too_large: m.wn_unreadable,
    camera_answer_unreadable: m.wn_unreadable,
    camera_not_offered: m.wn_not_offered,
    camera_kept_the_old_one: m.wn_kept_old,
    talk_failed: m.wn_talk,
  }
  return reasons[code]?.() ?? code
}
