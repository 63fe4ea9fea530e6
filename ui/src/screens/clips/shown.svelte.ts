// Which day and filter the clips show; kept while a clip is open, so that going back finds the same list.

import type { EventKind } from '../../ipc/client'

/** `us` is the day's midnight; `null` is today, also after midnight has passed. */
export const shownDay = $state<{ us: number | null; camera: string; event: EventKind | '' }>({ us: null, camera: '', event: '' })

/** Back to today and everything: the next person must not find what another one looked for. */
export function forgetShown(): void {
  Object.assign(shownDay, { us: null, camera: '', event: '' })
}
