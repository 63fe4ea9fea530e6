// What a person may do with a camera, as the table shows it.

import { hoursLine } from '../../components/terms'
import { m } from '../../i18n/generated/messages.js'
import { day } from '../../i18n/time'
import type { CameraView, PersonView, Right } from '../../ipc/client'

/** One cell of the table. */
export interface Cell {
  /** What they may do with the camera as a whole. */
  rights: Right[]
  /** How far back its clips may be played. Hours; `null`: from a grant on. */
  back: number | null
  /** Single clips. */
  clips: number
  /** Spans of time. */
  spans: number
  /** Whether somebody must agree to every opening. */
  second: boolean
  /** The hours in which it holds; empty if always. */
  hours: string
  /** Whether anything of it holds now. */
  now: boolean
}

/** What `person` may do with `camera`. */
export function cellOf(person: PersonView, camera: CameraView): Cell {
  const grants = person.grants.filter((grant) => grant.camera === camera.id)
  const whole = grants.filter((grant) => grant.scope.scope === 'camera')
  const plays = whole.filter((grant) => grant.terms.rights.includes('playback'))
  const backs = plays.flatMap((grant) => (grant.terms.back_hours === null ? [] : [grant.terms.back_hours]))
  const count = (scope: 'clip' | 'span') => grants.filter((grant) => grant.scope.scope === scope).length
  const hours = grants.map((grant) => grant.terms.hours)
  return {
    rights: [...new Set(whole.flatMap((grant) => grant.terms.rights))],
    back: backs.length === 0 ? null : Math.max(...backs),
    clips: count('clip'),
    spans: count('span'),
    second: plays.length > 0 && plays.every((grant) => grant.terms.second !== null),
    hours: hours.every((one) => one === null) ? '' : hours.flatMap((one) => (one === null ? [] : [hoursLine(one)])).join('; '),
    now: grants.some((grant) => grant.in_hours),
  }
}

/** Until when a person may view something, over all grants, and no longer than they may sign in. */
export function untilOfAll(person: PersonView, nowUs: number): string {
  const ends = new Set(person.grants.map((grant) => Math.min(grant.until_us ?? Infinity, person.until_us ?? Infinity)))
  if (ends.size === 0) return person.until_us === null ? '–' : day(person.until_us, nowUs)
  if (ends.size > 1) return m.people_several()
  const [end] = ends
  return end === undefined || end === Infinity ? m.until_back() : day(end, nowUs)
}
