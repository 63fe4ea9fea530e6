// What the wire's names are called in the window.

import type { CameraPanel, Codec, DeadReason, ErrorCode, EventKind, Features, ProfileView, UserLevel } from '../ipc/client'
import type { IconName } from '../components/Icon.svelte'
import type { Shown } from '../state/app.svelte'
import { m } from './generated/messages.js'

/** An event kind. */
export function eventWord(kind: EventKind): string {
  switch (kind) {
    case 'motion':
      return m.ev_motion()
    case 'person':
      return m.ev_person()
    case 'vehicle':
      return m.ev_vehicle()
    case 'animal':
      return m.ev_animal()
    case 'face':
      return m.ev_face()
    case 'package':
      return m.ev_package()
    case 'line':
      return m.ev_line()
    case 'intrusion':
      return m.ev_intrusion()
    case 'doorbell':
      return m.ev_doorbell()
    case 'sound':
      return m.ev_sound()
    case 'tamper':
      return m.ev_tamper()
    case 'input':
      return m.ev_input()
    case 'unknown':
      return m.ev_unknown()
  }
}

/** The icon of an event kind. */
export function eventIcon(kind: EventKind): IconName {
  return kind === 'doorbell' ? 'bell' : kind === 'unknown' ? 'more' : kind
}

/** Several kinds: `Person, doorbell`; German nouns keep their capitals. */
export function eventWords(kinds: EventKind[], german: boolean): string {
  return kinds.map((kind, i) => (i === 0 || german ? eventWord(kind) : eventWord(kind).toLowerCase())).join(', ')
}

/** What happened, what it means, what to do. */
export function errorSentence(code: ErrorCode): string {
  switch (code) {
    case 'wrong_passphrase':
      return m.err_wrong_passphrase()
    case 'locked':
      return m.err_locked()
    case 'not_allowed':
      return m.err_not_allowed()
    case 'already_set_up':
      return m.err_already_set_up()
    case 'invalid':
      return m.err_invalid()
    case 'not_found':
      return m.err_not_found()
    case 'no_keyring':
      return m.err_no_keyring()
    case 'used_up':
      return m.err_used_up()
    case 'needs_agreement':
      return m.err_needs_agreement()
    case 'camera_unreachable':
      return m.err_camera_unreachable()
    case 'camera_refused':
      return m.err_camera_refused()
    case 'camera_unsuitable':
      return m.err_camera_unsuitable()
    case 'no_microphone':
      return m.err_no_microphone()
    case 'log_unwritable':
      return m.err_log_unwritable()
    case 'clip_missing':
      return m.err_clip_missing()
    case 'clip_changed':
      return m.err_clip_changed()
    case 'clip_cut':
      return m.err_clip_cut()
    case 'disk_full':
      return m.err_disk_full()
    case 'folder_failed':
      return m.err_folder_failed()
    case 'internal':
      return m.err_internal()
  }
}

/** The same about an order to a camera that is already connected. */
export function orderErrorSentence(code: ErrorCode): string {
  switch (code) {
    case 'camera_unreachable':
      return m.cerr_unreachable()
    case 'camera_refused':
      return m.cerr_refused()
    case 'camera_unsuitable':
      return m.cerr_unsuitable()
    case 'not_allowed':
      return m.cerr_not_allowed()
    case 'invalid':
      return m.cerr_invalid()
    case 'wrong_passphrase':
    case 'locked':
    case 'already_set_up':
    case 'not_found':
    case 'no_microphone':
    case 'no_keyring':
    case 'used_up':
    case 'needs_agreement':
    case 'log_unwritable':
    case 'clip_missing':
    case 'clip_changed':
    case 'clip_cut':
    case 'disk_full':
    case 'folder_failed':
    case 'internal':
      return errorSentence(code)
  }
}

/** The same about another sign-in for a camera that was added before: the one before stays. */
export function signInErrorSentence(code: ErrorCode): string {
  switch (code) {
    case 'camera_refused':
      return m.pw_refused()
    case 'camera_unreachable':
      return m.pw_unreachable()
    case 'camera_unsuitable':
      return m.pw_unsuitable()
    case 'wrong_passphrase':
    case 'locked':
    case 'not_allowed':
    case 'already_set_up':
    case 'invalid':
    case 'not_found':
    case 'no_microphone':
    case 'no_keyring':
    case 'used_up':
    case 'needs_agreement':
    case 'log_unwritable':
    case 'clip_missing':
    case 'clip_changed':
    case 'clip_cut':
    case 'disk_full':
    case 'folder_failed':
    case 'internal':
      return errorSentence(code)
  }
}

/** A codec. */
export function codecWord(codec: Codec | null): string {
  switch (codec) {
    case 'h264':
      return 'H.264'
    case 'h265':
      return 'H.265'
    case 'mjpeg':
      return 'Motion JPEG'
    case null:
      return '?'
  }
}

/** A stream: `H.264 · 2560 × 1440 · 25 fps`. */
export function streamLine(profile: ProfileView): string {
  return m.c_stream_line({
    codec: codecWord(profile.codec),
    width: profile.width,
    height: profile.height,
    fps: Math.round(profile.fps),
  })
}

/** A fingerprint in groups of four digits, whatever stood between them. */
export function fingerprint(text: string): string {
  return (text.replace(/[^0-9a-f]/gi, '').toUpperCase().match(/.{1,4}/g) ?? []).join(' ')
}

/** What an account may do. */
export function levelWord(level: UserLevel): string {
  switch (level) {
    case 'administrator':
      return m.lvl_administrator()
    case 'operator':
      return m.lvl_operator()
    case 'user':
      return m.lvl_user()
    case 'anonymous':
      return m.lvl_anonymous()
    case 'extended':
      return m.lvl_extended()
  }
}

/** Whether a part of the camera page is shown: what a camera lacks is not. */
export function hasPart(panel: CameraPanel, feature: keyof Features): boolean {
  return panel.features[feature] !== 'absent'
}

/** Why there is no picture. */
export function deadSentence(reason: DeadReason): string {
  switch (reason) {
    case 'unreachable':
      return m.dead_unreachable()
    case 'stream_refused':
      return m.dead_stream_refused()
    case 'certificate_changed':
      return m.dead_certificate_changed()
    case 'wrong_password':
      return m.dead_wrong_password()
    case 'password_unprotected':
      return m.dead_password_unprotected()
    case 'frozen':
      return m.dead_frozen()
    case 'no_key_frame':
      return m.dead_no_key_frame()
    case 'unsupported_codec':
      return m.dead_unsupported_codec()
    case 'worker_ended':
      return m.dead_worker_ended()
  }
}

/** A notice. */
export function noticeSentence(notice: Shown): string {
  switch (notice.kind) {
    case 'camera_came':
      return m.notice_camera_came({ name: notice.detail })
    case 'camera_moved':
      return m.notice_camera_moved({ address: notice.detail })
    case 'event_flood':
      return m.notice_event_flood()
    case 'events_refused':
      return m.notice_events_refused()
    case 'not_of_this_vault':
      return m.notice_not_of_this_vault({ name: notice.detail })
    case 'import_is_the_owners':
      return m.notice_import_is_the_owners()
    case 'camera_away':
      return m.notice_camera_away()
    case 'only_held_left':
      return m.notice_only_held_left()
    case 'disk_full':
      return m.notice_disk_full()
    case 'clock_step':
      return m.notice_clock_step()
    case 'witness_differs':
      return m.notice_witness()
    case 'recovered':
      return m.notice_recovered()
    case 'log_unwritable':
      return m.notice_log_unwritable()
    case 'recording_failed':
      return m.notice_recording_failed()
  }
}
