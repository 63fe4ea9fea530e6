// What the clips show; kept while a clip is open, so that going back finds the same place.

import type { EventKind } from '../../ipc/client'
import type { Window } from './timeline'

/** What is listed below the timeline. */
export type List = 'clips' | 'events' | 'bookmarks'

interface Shown {
  /** Which part of time; `null` is today, also after midnight has passed. */
  window: Window | null
  /** Only this camera; empty: all. */
  camera: string
  /** Only these kinds; empty: all. */
  kinds: EventKind[]
  list: List
  /** Where a search, a jump or the keys stand. */
  headUs: number | null
  /** The lane that keys lead to. */
  chosen: string | null
  /** Cameras that are played together. */
  together: string[]
  /** Whether somebody has chosen them. */
  choosing: boolean
}

const FIRST: Shown = { window: null, camera: '', kinds: [], list: 'clips', headUs: null, chosen: null, together: [], choosing: false }

export const shown = $state<Shown>({ ...FIRST })

/** Back to today and everything: the next person must not find what another one looked for. */
export function forgetShown(): void {
  Object.assign(shown, FIRST, { kinds: [], together: [] })
}
