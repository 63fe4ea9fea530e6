// What is said of a package's parts and of what keeps one from being opened.

import { m } from '../../i18n/generated/messages.js'
import { errorSentence } from '../../i18n/words'
import type { ErrorCode, PackageFinding } from '../../ipc/client'

/** A finding as a sentence; of what is wrong, the particulars stand beside it. */
export function findingSentence({ part, whole, text }: PackageFinding): string {
  switch (part) {
    case 'films':
      return whole ? m.pk_films_good({ count: Number(text) }) : m.pk_films_bad()
    case 'papers':
      return whole ? m.pk_papers_good() : m.pk_papers_bad()
    case 'log_key':
      return whole ? m.pk_key_good() : m.pk_key_bad()
    case 'given':
      return whole ? m.pk_given_good({ entry: text }) : m.pk_given_bad()
    case 'clips':
      return whole ? m.pk_clips_good({ count: Number(text) }) : m.pk_clips_bad()
  }
}

/** What keeps a package from being opened. */
export function packageErrorSentence(code: ErrorCode): string {
  switch (code) {
    case 'wrong_passphrase':
      return m.pk_err_pass()
    case 'clip_cut':
      return m.pk_err_cut()
    case 'clip_changed':
      return m.pk_err_changed()
    case 'not_found':
      return m.pk_err_gone()
    case 'invalid':
      return m.pk_err_strange()
    default:
      return errorSentence(code)
  }
}
