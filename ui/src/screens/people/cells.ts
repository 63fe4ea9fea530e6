// What a person may view of a camera, as the table shows it.

import { m } from '../../i18n/generated/messages.js'
import { day } from '../../i18n/time'
import type { CameraView, GrantView, PersonView } from '../../ipc/client'

/** One cell of the table. */
export interface Cell {
  /** Live and new clips. */
  live: boolean
  /** Single clips. */
  clips: number
  /** Spans of time. */
  spans: number
}

/** Whether a grant is about a camera; a clip's grant names its camera only by name. */
function about(grant: GrantView, camera: CameraView): boolean {
  return grant.scope.scope === 'clip' ? grant.camera_name === camera.name : grant.scope.camera === camera.id
}

/** What `person` may view of `camera`. */
export function cellOf(person: PersonView, camera: CameraView): Cell {
  const grants = person.grants.filter((grant) => about(grant, camera))
  const count = (scope: GrantView['scope']['scope']) => grants.filter((grant) => grant.scope.scope === scope).length
  return { live: count('camera') > 0, clips: count('clip'), spans: count('span') }
}

/** Until when a person may view something, over all grants. */
export function untilOfAll(person: PersonView, nowUs: number): string {
  const ends = new Set(person.grants.map((grant) => grant.until_us))
  if (ends.size === 0) return '–'
  if (ends.size > 1) return m.people_several()
  const [end] = ends
  return end === null || end === undefined ? m.until_back() : day(end, nowUs)
}
