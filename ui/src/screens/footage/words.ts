// Why a file is not imported, and where its time comes from, in words.

import { m } from '../../i18n/generated/messages.js'
import type { FootageRefusal, TimeFrom } from '../../ipc/client'

/** Why a file is not imported. */
export function refusalSentence(refusal: FootageRefusal): string {
  const words: Record<FootageRefusal, () => string> = {
    empty: m.fo_r_empty,
    unreadable: m.fo_r_unreadable,
    not_a_film: m.fo_r_not_a_film,
    no_video: m.fo_r_no_video,
    codec: m.fo_r_codec,
    protected: m.fo_r_protected,
    damaged: m.fo_r_damaged,
    reader_died: m.fo_r_reader_died,
    known: m.fo_r_known,
    changed: m.fo_r_changed,
    not_written: m.fo_r_not_written,
  }
  return words[refusal]()
}

/** Where a file's time comes from. */
export function timeFromWords(from: TimeFrom): string {
  const words: Record<TimeFrom, () => string> = {
    nowhere: m.fo_t_nowhere,
    file_with_zone: m.fo_t_zone,
    file: m.fo_t_file,
    file_local: m.fo_t_local,
    name: m.fo_t_name,
    satellites: m.fo_t_satellites,
  }
  return words[from]()
}
