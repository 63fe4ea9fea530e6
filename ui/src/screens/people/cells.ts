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

/** The camera of a clip; `undefined` while it is not known, `null` when the clip is gone. */
export type CameraOf = (clip: string) => string | null | undefined

/** Whether a grant is about a camera. A clip's grant names its camera by name, which a later camera may bear, too. */
function about(grant: GrantView, camera: CameraView, cameraOf: CameraOf): boolean {
  if (grant.scope.scope !== 'clip') return grant.scope.camera === camera.id
  const known = cameraOf(grant.scope.clip)
  return known === undefined ? grant.camera_name === camera.name : known === camera.id
}

/** The single clips that were given, and when each starts. */
export function clipsOf(people: PersonView[]): { clip: string; startUs: number }[] {
  return people.flatMap(({ grants }) =>
    grants.flatMap(({ scope, clip_start_us }) => (scope.scope === 'clip' && clip_start_us !== null ? [{ clip: scope.clip, startUs: clip_start_us }] : [])),
  )
}

/** What `person` may view of `camera`. */
export function cellOf(person: PersonView, camera: CameraView, cameraOf: CameraOf): Cell {
  const grants = person.grants.filter((grant) => about(grant, camera, cameraOf))
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
