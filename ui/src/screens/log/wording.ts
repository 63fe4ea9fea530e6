// Every kind of entry as a sentence. What a newer engine writes and this window does not know is shown as it is.

import { m } from '../../i18n/generated/messages.js'
import { size } from '../../i18n/recording'
import { clock, clockSeconds, dayClock, dayClockWithin, decimal, isSameDay, span } from '../../i18n/time'
import { deadSentence, eventWord } from '../../i18n/words'
import { RIGHTS, rightWord } from '../../components/terms'
import type { DeadReason, EventKind, Face, LogRow } from '../../ipc/client'
import { camera, fact, number } from './facts'
import { failureGround, orderGround, orderSentence } from './orders'

/** The filters above the list. */
export const FILTERS = {
  all: [],
  views: ['opened', 'previewed', 'card_opened', 'file_watched'],
  grants: ['grant', 'grant_taken_back', 'person_added', 'person_changed', 'person_removed', 'asked', 'agreed', 'declined'],
  copies: ['copy_made', 'disclosed', 'log_exported'],
  cameras: ['camera_added', 'camera_changed', 'camera_removed', 'camera_lost', 'camera_back', 'card_fetch_begun', 'card_fetch_ended', 'import_begun', 'import_ended'],
  erased: ['erased', 'held', 'hold_ended', 'bookmarked', 'bookmark_changed', 'bookmark_removed'],
  signins: ['unlocked', 'locked', 'unlock_refused'],
  settings: ['setting_changed', 'backed_up', 'succeeded', 'sheet_tested'],
  errors: ['error', 'witnessed', 'crashed', 'clock_step', 'cut_short', 'verified', 'started', 'stopped'],
} as const satisfies Record<string, readonly string[]>

/** A filter. */
export type Filter = keyof typeof FILTERS

const DEAD: readonly string[] = [
  'unreachable',
  'stream_refused',
  'certificate_changed',
  'wrong_password',
  'password_unprotected',
  'frozen',
  'no_key_frame',
  'unsupported_codec',
  'worker_ended',
] satisfies DeadReason[]
const EVENTS: readonly string[] = [
  'motion',
  'person',
  'vehicle',
  'animal',
  'face',
  'package',
  'line',
  'intrusion',
  'doorbell',
  'sound',
  'tamper',
  'input',
  'unknown',
] satisfies EventKind[]

function person(row: LogRow): string {
  return row.person?.name || fact(row, 'name') || m.k_a_person()
}

function clip(row: LogRow, nowUs: number): string {
  const start = row.clip_start_us ?? number(row, 'start_us')
  if (row.camera_name === null && start === null) return m.k_a_clip()
  const when = start === null ? '' : isSameDay(start, nowUs) ? clock(start) : dayClockWithin(start, nowUs)
  return m.k_clip({ camera: camera(row), when }).trim()
}

function what(row: LogRow, nowUs: number): string {
  if (row.clip !== null || row.clip_start_us !== null) return clip(row, nowUs)
  if (row.camera_name !== null) {
    const from = number(row, 'from_us')
    const to = number(row, 'to_us')
    if (from !== null && to !== null) {
      return m.grant_span({ camera: row.camera_name, from: dayClockWithin(from, nowUs), to: dayClockWithin(to, nowUs) })
    }
    return fact(row, 'scope') === 'camera' || from === null ? m.grant_camera({ camera: row.camera_name }) : row.camera_name
  }
  return m.k_a_clip()
}

function setting(name: string): string {
  const names: Record<string, () => string> = {
    language: m.s_language,
    theme: m.s_theme,
    presenter: m.s_presenter,
    kept_hours: m.s_kept_hours,
    kept_reason: m.s_kept_reason,
    lock_after_minutes: m.s_lock_after_minutes,
    lock_with_desktop: m.s_lock_with_desktop,
  }
  return names[name]?.() ?? name
}

/** What a setting was set to, as the settings call it. */
function settingValue(name: string, value: string): string {
  const values: Record<string, Record<string, () => string>> = {
    language: { system: m.set_system, en: () => 'English', de: () => 'Deutsch' },
    theme: { system: m.set_system, dark: m.set_dark, light: m.set_light },
    presenter: { native: m.set_native, canvas: m.set_canvas },
  }
  return values[name]?.[value]?.() ?? value
}

/** What happened. */
export function sentence(row: LogRow, nowUs: number): string {
  switch (row.kind) {
    case 'camera_added':
      return m.k_camera_added({ camera: camera(row) })
    case 'camera_changed': {
      const order = orderSentence(row)
      if (order !== null) return order
      const from = fact(row, 'from')
      const name = fact(row, 'name')
      if (from !== null && name !== null) return m.k_camera_renamed({ from, camera: name })
      const address = fact(row, 'address')
      if (address !== null) return m.k_camera_moved({ camera: camera(row), address })
      if (fact(row, 'sign_in') !== null) return m.k_camera_signin({ camera: camera(row) })
      return m.k_camera_changed({ camera: camera(row) })
    }
    case 'camera_removed':
      if (fact(row, 'source') === 'true') return m.k_source_removed({ source: camera(row) })
      return m.k_camera_removed({ camera: camera(row) })
    case 'camera_lost':
      return m.k_camera_lost({ camera: camera(row) })
    case 'camera_back':
      return m.k_camera_back({ camera: camera(row) })
    case 'recorded': {
      const duration = number(row, 'duration_us')
      if (fact(row, 'imported') === 'true') return m.k_recorded_imported({ clip: clip(row, nowUs) })
      const text = fact(row, 'from_card') === 'true' ? m.k_recorded_card({ clip: clip(row, nowUs) }) : m.k_recorded({ clip: clip(row, nowUs) })
      return duration === null ? text : `${text}, ${span(duration)}`
    }
    case 'cut_short':
      return m.k_cut_short({ clip: clip(row, nowUs) })
    case 'event': {
      const leftOut = number(row, 'left_out')
      if (leftOut !== null) return m.k_events_left_out({ count: leftOut, camera: camera(row) })
      const kind = fact(row, 'event') ?? 'unknown'
      const topic = fact(row, 'topic')
      const event = EVENTS.includes(kind) && !(kind === 'unknown' && topic) ? eventWord(kind as EventKind) : (topic ?? kind)
      return m.k_event({ event, camera: camera(row) })
    }
    case 'unlocked':
      return fact(row, 'how') === 'keyring' ? m.k_unlocked_keyring() : m.k_unlocked()
    case 'locked':
      return m.k_locked()
    case 'unlock_refused':
      return m.k_unlock_refused()
    case 'person_added':
      return fact(row, 'owner') === 'true' || row.person?.owner === true
        ? m.k_owner_added({ person: person(row) })
        : m.k_person_added({ person: person(row) })
    case 'person_changed': {
      const changed = fact(row, 'what')
      if (changed === 'own_passphrase') return m.k_own_passphrase()
      return changed === 'passphrase' ? m.k_new_passphrase({ person: person(row) }) : m.k_person_changed({ person: person(row) })
    }
    case 'person_removed':
      return m.k_person_removed({ person: person(row) })
    case 'asked':
      return m.k_asked({ person: person(row), clip: clip(row, nowUs) })
    case 'agreed':
      return m.k_agreed({ person: person(row), clip: clip(row, nowUs) })
    case 'declined':
      return m.k_declined({ person: person(row), clip: clip(row, nowUs) })
    case 'rekeyed':
      return m.k_rekeyed({ clip: clip(row, nowUs) })
    case 'grant':
      return m.k_grant({ person: person(row), what: what(row, nowUs) })
    case 'grant_taken_back':
      return m.k_grant_taken_back({ person: person(row), what: what(row, nowUs) })
    case 'previewed': {
      if (fact(row, 'live') === 'true') return m.k_previewed_live({ camera: camera(row) })
      const day = number(row, 'day_us')
      if (day !== null && row.clip === null && row.clip_start_us === null) return m.k_previewed_day({ camera: camera(row) })
      const count = number(row, 'clips')
      return count !== null && count > 1 ? m.k_previewed_many({ count }) : m.k_previewed({ clip: clip(row, nowUs) })
    }
    case 'opened':
      return m.k_opened({ clip: clip(row, nowUs) })
    case 'card_opened':
      return m.k_card_opened({ camera: camera(row) })
    case 'card_fetch_begun':
      return m.k_card_fetch({ camera: camera(row) })
    case 'card_fetch_ended':
      return cardEnd(row)
    case 'file_watched':
      return m.k_file_watched()
    case 'import_begun':
      return m.k_import_begun({ source: camera(row) })
    case 'import_ended':
      return importEnd(row)
    case 'copy_made': {
      if (fact(row, 'what') === 'live_picture') return m.k_live_picture({ camera: camera(row) })
      if (fact(row, 'what') === 'recorded_picture') return m.k_recorded_picture({ clip: clip(row, nowUs) })
      const from = number(row, 'from_us')
      const to = number(row, 'to_us')
      if (from === null || to === null) return m.k_copy_made({ clip: clip(row, nowUs) })
      const span = { from: dayClockWithin(from, nowUs), to: dayClockWithin(to, nowUs) }
      return row.camera === null ? m.k_export_many(span) : m.k_export({ camera: camera(row), ...span })
    }
    case 'witnessed':
      if (fact(row, 'authority') !== null) return m.k_stamped({ authority: fact(row, 'authority') ?? '', n: fact(row, 'size') ?? '' })
      return m.k_witnessed({ witness: fact(row, 'witness') ?? '', n: fact(row, 'size') ?? '' })
    case 'backed_up':
      return m.k_backed_up()
    case 'succeeded':
      return m.k_succeeded({ log: fact(row, 'log') ?? '', n: fact(row, 'size') ?? '' })
    case 'sheet_tested':
      if (fact(row, 'share') === 'true') return m.k_sheet_share()
      return fact(row, 'fits') === 'true' ? m.k_sheet_fits() : m.k_sheet_other()
    case 'disclosed':
      return m.k_disclosed({ count: number(row, 'films') ?? 0 })
    case 'erased': {
      const count = number(row, 'clips')
      return count === null ? m.k_erased_clip({ clip: clip(row, nowUs) }) : m.k_erased({ count })
    }
    case 'held':
      return m.k_held({ what: what(row, nowUs) })
    case 'hold_ended':
      return m.k_hold_ended({ what: what(row, nowUs) })
    case 'bookmarked':
      return m.k_bookmarked({ clip: clip(row, nowUs) })
    case 'bookmark_changed':
      return m.k_bookmark_changed({ clip: clip(row, nowUs) })
    case 'bookmark_removed':
      return m.k_bookmark_removed({ clip: clip(row, nowUs) })
    case 'setting_changed': {
      const name = fact(row, 'setting')
      if (name === null) return m.k_setting_changed({ setting: '' })
      if (name === 'recovery_sheet') return m.k_recovery_made()
      if (name === 'keyring') return fact(row, 'to') === 'on' ? m.k_keyring_on() : m.k_keyring_off()
      if (name === 'recovery_shares') return m.k_shares_made()
      if (name === 'witness_added') return m.k_witness_added({ witness: fact(row, 'to') ?? '' })
      if (name === 'witness_removed') return m.k_witness_removed({ witness: fact(row, 'to') ?? '' })
      if (name === 'time_authority') return fact(row, 'to') ? m.k_authority({ authority: fact(row, 'to') ?? '' }) : m.k_authority_none()
      if (name === 'motion') return m.k_c_motion({ camera: camera(row) })
      if (name === 'recording') return m.k_recording({ camera: camera(row) })
      if (name === 'templates') return m.k_templates()
      if (name === 'keep_limits') return m.k_keep_limits()
      if (name === 'fill_gaps') return fact(row, 'to') === 'on' ? m.k_fill_gaps_on({ camera: camera(row) }) : m.k_fill_gaps_off({ camera: camera(row) })
      if (name === 'topic') return topicSentence(row)
      if (name === 'notifications') return fact(row, 'to') === 'off' ? m.k_notifications_off() : m.k_notifications_on()
      const [from, to] = [fact(row, 'from'), fact(row, 'to')]
      if (from === null || to === null) return m.k_setting_changed({ setting: setting(name) })
      return m.k_setting_changed({ setting: m.k_setting_from_to({ setting: setting(name), from: settingValue(name, from), to: settingValue(name, to) }) })
    }
    case 'clock_step': {
      const step = number(row, 'step_us')
      return step === null ? m.k_clock_step_plain() : m.k_clock_step({ seconds: decimal(step / 1e6, 1) })
    }
    case 'started':
      return m.k_started()
    case 'stopped':
      return m.k_stopped()
    case 'crashed':
      return m.k_crashed()
    case 'log_exported':
      return m.k_log_exported()
    case 'verified': {
      const count = number(row, 'findings')
      return count !== null && count > 0 ? m.k_verified_bad({ count }) : m.k_verified()
    }
    case 'error':
      if (fact(row, 'what') === 'disk_full') return m.k_error_disk()
      if (fact(row, 'what') === 'package') return m.k_error_package()
      if (fact(row, 'what') === 'backup') return m.k_error_backup()
      if (fact(row, 'what') === 'witness') return m.k_error_witness({ witness: fact(row, 'witness') ?? '' })
      if (fact(row, 'what') === 'recording_failed') return m.k_error_recording({ camera: camera(row) })
      return m.k_error({ what: fact(row, 'detail') ?? fact(row, 'what') ?? '' })
    default:
      return row.kind
  }
}

/** What the owner said of a topic that was unknown. */
function topicSentence(row: LogRow): string {
  const topic = fact(row, 'topic') ?? ''
  const to = fact(row, 'to') ?? 'forgotten'
  if (to === 'forgotten') return m.k_topic_forgotten({ topic })
  if (to === 'unknown') return m.k_topic_ignored({ topic })
  return m.k_topic_means({ topic, event: EVENTS.includes(to) ? eventWord(to as EventKind) : to })
}

/** How a fetch from a card ended. */
function cardEnd(row: LogRow): string {
  const at = { camera: camera(row) }
  switch (fact(row, 'outcome')) {
    case 'stopped':
      return m.k_card_stopped(at)
    case 'interrupted':
      return m.k_card_interrupted(at)
    case 'failed':
      return m.k_card_failed(at)
    default:
      return m.k_card_done(at)
  }
}

/** How the import of a file ended. */
function importEnd(row: LogRow): string {
  const into = { source: camera(row) }
  const outcome = fact(row, 'outcome')
  return outcome === 'done' ? m.k_import_done(into) : outcome === 'stopped' ? m.k_import_stopped(into) : m.k_import_failed(into)
}

/** Which file was imported, and what came of it. */
function importGround(row: LogRow): string {
  const [file, hash, places, clips] = [fact(row, 'file'), fact(row, 'sha256'), number(row, 'places'), number(row, 'clips')]
  const parts = [
    file === null ? null : m.g_import_file({ name: file }),
    hash === null ? null : m.g_import_hash({ hash: `${hash.slice(0, 12)}…` }),
    places === null ? null : m.g_import_places({ count: places }),
    clips === null ? null : m.g_card_clips({ count: clips }),
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

/** What of a card was watched or fetched, why, and what came of it. */
function cardGround(row: LogRow, nowUs: number): string {
  const [from, to, clips] = [number(row, 'from_us'), number(row, 'to_us'), number(row, 'clips')]
  const parts = [
    from === null ? null : to === null ? dayClock(from, nowUs) : `${dayClock(from, nowUs)} – ${clock(to)}`,
    fact(row, 'reason') === 'gap' ? m.card_gap() : null,
    fact(row, 'resumed') === 'true' ? m.g_card_resumed() : null,
    clips === null ? null : m.g_card_clips({ count: clips }),
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

/** What a grant allows, where its entry says so. */
function granted(row: LogRow): string | null {
  const value = fact(row, 'rights')
  if (value === null) return null
  let named: unknown
  try {
    named = JSON.parse(value)
  } catch {
    return null
  }
  const known = Array.isArray(named) ? RIGHTS.map(({ right }) => right).filter((right) => named.includes(right)) : []
  return known.length === 0 ? null : known.map(rightWord).join(', ')
}

/** Why a grant ended by itself, or with something else; `null` where it was taken back. */
function takenWhy(row: LogRow): string | null {
  const reasons: Record<string, () => string> = {
    time_is_up: m.g_time_up,
    used_up: m.g_used_up,
    person_ended: m.g_person_ended,
    person_removed: m.g_person_removed,
    changed: m.g_changed,
  }
  const why = fact(row, 'why')
  return why === null ? null : (reasons[why]?.() ?? null)
}

/** Why clips were erased before their time was over. */
function erasedWhy(row: LogRow): string {
  const reasons: Record<string, () => string> = { by_hand: m.g_by_hand, demanded: m.g_demanded, camera_size: m.g_why_camera_size, total_size: m.g_why_total_size, disk_low: m.g_why_disk_low }
  const why = fact(row, 'why')
  return why === null ? '' : (reasons[why]?.() ?? why)
}

/** Until when something is kept longer, and why; or why it is not any more. */
function holdGround(row: LogRow, nowUs: number, amount: (n: number) => string): string {
  const until = number(row, 'until_us')
  if (row.kind === 'held') return [until === null ? m.hold_open() : m.hold_until({ when: dayClockWithin(until, nowUs) }), fact(row, 'note')].filter((part) => part !== null).join(' · ')
  return fact(row, 'why') === 'time_is_up' ? m.g_time_up() : row.refers_to === null ? '' : m.log_allowed_entry({ n: amount(row.refers_to) })
}

/** How a camera is recorded from then on. */
function recordingGround(row: LogRow): string {
  const modes: Record<string, () => string> = { always: m.rec_always, events: m.rec_events, off: m.rec_off, week: m.rec_plan }
  const [mode, pre, post, days, mb] = [fact(row, 'to'), number(row, 'pre_roll_s'), number(row, 'post_roll_s'), number(row, 'kept_days'), number(row, 'size_mb')]
  const parts = [
    mode === null ? null : (modes[mode]?.() ?? mode),
    pre === null || post === null || (mode !== 'events' && mode !== 'week') ? null : m.g_pre_post({ pre, post }),
    days === null ? null : m.hold_days({ n: days }),
    mb === null ? null : m.g_total({ size: size(mb * 1e6) }),
    fact(row, 'reason'),
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

/** What a setting is from then on, where its sentence does not say it. */
function settingGround(row: LogRow): string {
  switch (fact(row, 'setting')) {
    case 'motion':
      return motionGround(row)
    case 'recording':
      return recordingGround(row)
    case 'keep_limits': {
      const [total, reserve] = [number(row, 'size_mb'), number(row, 'reserve_mb')]
      const parts = [total === null ? m.sto_total_disk() : m.g_total({ size: size(total * 1e6) }), reserve === null ? null : m.g_reserve({ size: size(reserve * 1e6) })]
      return parts.filter((part) => part !== null).join(' · ')
    }
    default:
      return fact(row, 'reason') ?? ''
  }
}

/** How motion is measured from then on. */
function motionGround(row: LogRow): string {
  const modes: Record<string, () => string> = { auto: m.mo_auto, on: m.mo_on, off: m.mo_off }
  const [mode, sensitivity, zones] = [fact(row, 'to'), number(row, 'sensitivity'), number(row, 'zones')]
  const parts = [
    mode === null ? null : (modes[mode]?.() ?? mode),
    sensitivity === null ? null : `${m.mo_sensitivity()} ${sensitivity}`,
    zones === null ? null : zones === 0 ? m.mo_whole() : m.g_zones({ count: zones }),
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

/** On what ground, or what more there is to say. */
export function ground(row: LogRow, nowUs: number, amount: (n: number) => string): string {
  switch (row.kind) {
    case 'opened':
    case 'previewed':
    case 'disclosed':
    case 'copy_made': {
      const recipient = row.kind === 'copy_made' || row.kind === 'disclosed' ? fact(row, 'recipient') : null
      if (recipient !== null) return [m.g_export_for({ name: recipient }), fact(row, 'reason')].filter((part) => part !== null).join(' · ')
      if (row.refers_to !== null && !row.actor?.owner) {
        const agreed = number(row, 'agreed')
        const through = m.g_grant({ n: amount(row.refers_to) })
        return agreed === null ? through : `${through} · ${m.g_agreed({ when: dayClockWithin(agreed, nowUs) })}`
      }
      return row.actor?.owner ? m.g_owner() : ''
    }
    case 'grant': {
      const until = number(row, 'until_us')
      const parts = [fact(row, 'reason'), granted(row), until === null ? m.until_back() : m.clip_may_until({ until: dayClockWithin(until, nowUs) })]
      return parts.filter((part) => part !== null).join(' · ')
    }
    case 'grant_taken_back':
      return takenWhy(row) ?? (row.refers_to === null ? '' : m.g_grant({ n: amount(row.refers_to) }))
    case 'asked':
      return row.refers_to === null ? '' : m.g_grant({ n: amount(row.refers_to) })
    case 'agreed':
    case 'declined':
      return row.refers_to === null ? '' : m.log_allowed_entry({ n: amount(row.refers_to) })
    case 'erased': {
      const hours = fact(row, 'kept_hours')
      if (fact(row, 'why') === 'source_removed') return m.g_source_removed()
      if (fact(row, 'why') === 'import_not_whole') return m.g_import_not_whole()
      return hours === null ? [erasedWhy(row), fact(row, 'reason')].filter((part) => part !== null && part !== '').join(' · ') : m.g_kept({ hours })
    }
    case 'held':
    case 'hold_ended':
      return holdGround(row, nowUs, amount)
    case 'bookmarked':
    case 'bookmark_changed':
    case 'bookmark_removed': {
      const at = number(row, 'at_us')
      const parts = [at === null ? null : clockSeconds(at), fact(row, 'note')]
      return parts.filter((part) => part !== null && part !== '').join(' · ')
    }
    case 'recorded':
    case 'cut_short': {
      const cause = fact(row, 'event')
      if (cause !== null) return m.g_cause({ event: EVENTS.includes(cause) ? eventWord(cause as EventKind) : cause })
      const events = fact(row, 'events')
      return events === null ? '' : events.split(/[\s,]+/).map((kind) => (EVENTS.includes(kind) ? eventWord(kind as EventKind) : kind)).join(', ')
    }
    case 'camera_lost': {
      const reason = fact(row, 'reason')
      return reason !== null && DEAD.includes(reason) ? deadSentence(reason as DeadReason) : (reason ?? '')
    }
    case 'locked': {
      const why = fact(row, 'why')
      if (why === 'desktop') return m.why_desktop()
      if (why === 'ended') return m.why_ended()
      return why === 'idle' ? m.why_idle() : why === 'asked' ? m.why_asked() : (why ?? '')
    }
    case 'setting_changed':
      return settingGround(row)
    case 'import_begun':
    case 'import_ended':
      return importGround(row)
    case 'card_opened':
    case 'card_fetch_begun':
    case 'card_fetch_ended':
      return cardGround(row, nowUs)
    case 'camera_added':
      return fact(row, 'model') ?? ''
    case 'camera_changed':
      return failureGround(row, amount) ?? orderGround(row)
    case 'started':
      return fact(row, 'version') ?? ''
    default:
      return ''
  }
}

/** Who did it. */
export function who(row: LogRow, nameOf: (face: Face) => string): string {
  if (row.actor !== null) return nameOf(row.actor)
  if (row.kind === 'event') return camera(row)
  return m.this_computer()
}

/** When: today's by the second, older ones with their day. */
export function when(row: LogRow, nowUs: number): string {
  return isSameDay(row.at_us, nowUs) ? clockSeconds(row.at_us) : dayClock(row.at_us, nowUs)
}

/** A defect that verifying found. */
export function findingSentence(code: string, detail: string): string {
  const known: Record<string, () => string> = {
    entry_changed: m.fi_entry_changed,
    signature: m.fi_signature,
    tree: m.fi_tree,
    checkpoint: m.fi_checkpoint,
    stamp: m.fi_stamp,
    clip_changed: m.fi_clip_changed,
    clip_missing: m.fi_clip_missing,
    clip_unreadable: m.fi_clip_unreadable,
    wrap: m.fi_wrap,
    entry_missing: m.fi_entry_missing,
    cut: m.fi_cut,
    order: m.fi_order,
    other: m.fi_other,
    failed: m.fi_failed,
  }
  // A newer engine may find what this window has no sentence for; its particulars stand below in any case.
  return known[code]?.() ?? (detail === '' ? m.fi_other() : detail)
}
