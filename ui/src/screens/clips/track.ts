// Where a dashcam was while it recorded.

import { m } from '../../i18n/generated/messages.js'
import { decimal, SECOND_US } from '../../i18n/time'
import type { TrackPoint } from '../../ipc/client'

/** A place stands until the next one, but not for longer. */
const STANDS_US = 5 * SECOND_US

/** The place at a time; `null` where it is not known. */
export function placeAt(track: TrackPoint[], us: number): TrackPoint | null {
  let found: TrackPoint | null = null
  for (const point of track) {
    // The first place is taken a moment before its time too: it is told once a second.
    if (point.at_us <= us || (found === null && point.at_us - us < SECOND_US)) found = point
    else break
  }
  return found !== null && us - found.at_us < STANDS_US ? found : null
}

/** `48.13712° N, 11.57547° E · 43 km/h`. */
export function placeLine(point: TrackPoint): string {
  const latitude = m.where_degrees({ degrees: decimal(Math.abs(point.latitude), 5), side: point.latitude < 0 ? m.where_s() : m.where_n() })
  const longitude = m.where_degrees({ degrees: decimal(Math.abs(point.longitude), 5), side: point.longitude < 0 ? m.where_w() : m.where_e() })
  const speed = point.speed_kmh === null ? '' : ` · ${m.where_speed({ kmh: decimal(point.speed_kmh, 0) })}`
  return `${m.where_satellites()} ${latitude}, ${longitude}${speed}`
}
