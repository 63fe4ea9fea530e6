// What stands at a place of the timeline, in words.

import { m } from '../../i18n/generated/messages.js'
import { gapWord } from '../../i18n/recording'
import { eventWord } from '../../i18n/words'
import { momentLabel } from './labels'
import type { Place } from './tiles.svelte'
import type { Window } from './timeline'

/** What happened, or why there is nothing. */
export function placeWord(place: Place, us: number, nowUs: number): string {
  if (place.event !== null) return place.event.kind === 'unknown' ? place.event.topic || eventWord('unknown') : eventWord(place.event.kind)
  if (place.counts.length > 0) return place.counts.map(({ kind, count }) => m.tl_times({ event: eventWord(kind), n: count })).join(', ')
  if (place.gap !== null) return gapWord(place.gap.reason)
  // What is to come has no reason yet.
  if (!place.known || us > nowUs) return ''
  return place.recorded ? m.tl_recorded() : m.tl_nothing()
}

/** The same with its camera and time, for whoever does not see it. */
export function placeWords(place: Place, us: number, name: string, window: Window, nowUs: number): string {
  const word = placeWord(place, us, nowUs)
  const where = m.tl_place({ camera: name, when: momentLabel(us, window, nowUs) })
  return word === '' ? where : `${where}: ${word}`
}
