// What a grant allows, as it is chosen in forms and said in words.

import { m } from '../i18n/generated/messages.js'
import { getLocale } from '../i18n/generated/runtime.js'
import type { GrantScope, Hours, Right, Template, Terms } from '../ipc/client'
import type { IconName } from './Icon.svelte'

/** The rights in the order in which they are shown, with their icons. */
export const RIGHTS: { right: Right; icon: IconName }[] = [
  { right: 'live', icon: 'live' },
  { right: 'playback', icon: 'clip' },
  { right: 'ptz', icon: 'motion' },
  { right: 'talk', icon: 'mic' },
  { right: 'snapshot', icon: 'snapshot' },
  { right: 'copy', icon: 'out' },
]

/** Rights that belong to a whole camera, not to single clips of it. */
const OF_CAMERAS: readonly Right[] = ['live', 'ptz', 'talk']

/** What a right is called. */
export function rightWord(right: Right): string {
  const words: Record<Right, () => string> = {
    live: m.right_live,
    playback: m.right_playback,
    ptz: m.right_ptz,
    talk: m.right_talk,
    snapshot: m.right_snapshot,
    copy: m.right_copy,
  }
  return words[right]()
}

/** Rights that a grant of this scope can allow. */
export function rightsOf(scope: GrantScope['scope']): Right[] {
  return RIGHTS.map(({ right }) => right).filter((right) => scope === 'camera' || !OF_CAMERAS.includes(right))
}

/** What a grant of this scope usually allows. */
export function usualRights(scope: GrantScope['scope']): Right[] {
  return scope === 'camera' ? ['live', 'playback'] : ['playback']
}

/** The rights of `wanted` that fit the scope; clips are for playing, and whoever copies plays. */
export function fitting(wanted: readonly Right[], scope: GrantScope['scope']): Right[] {
  const plays = scope !== 'camera' || wanted.includes('copy')
  return rightsOf(scope).filter((right) => wanted.includes(right) || (right === 'playback' && plays))
}

/** `08:00` of minutes after midnight. */
export function minutesField(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

/** Minutes after midnight of `08:00`; `null` for what is no time of day. */
export function fieldMinutes(text: string): number | null {
  const match = /^(\d{2}):(\d{2})/.exec(text)
  if (match === null) return null
  const minutes = Number(match[1]) * 60 + Number(match[2])
  return minutes < 24 * 60 ? minutes : null
}

/** Short names of the days of the week, from Monday on. */
export function dayNames(): string[] {
  const format = new Intl.DateTimeFormat(getLocale() === 'de' ? 'de-DE' : 'en-GB', { weekday: 'short', timeZone: 'UTC' })
  // 2024-01-01 was a Monday.
  return Array.from({ length: 7 }, (_, day) => format.format(new Date(Date.UTC(2024, 0, 1 + day))))
}

/** `Mon – Sat, 08:00 – 20:00`. */
export function hoursLine(hours: Hours): string {
  const names = dayNames()
  const chosen = hours.days.flatMap((on, day) => (on ? [day] : []))
  const [first, last] = [chosen[0] ?? 0, chosen[chosen.length - 1] ?? 0]
  const inRow = chosen.length === last - first + 1
  const days = chosen.length === 7 ? m.hours_daily() : inRow && chosen.length > 2 ? `${names[first]} – ${names[last]}` : chosen.map((day) => names[day]).join(', ')
  return `${days}, ${minutesField(hours.from_min)} – ${minutesField(hours.to_min)}`
}

/** `24 h`, `7 d`: how far back clips may be played; empty for those from the grant on. */
export function backShort(hours: number | null): string {
  if (hours === null) return ''
  return hours > 72 && hours % 24 === 0 ? m.back_days({ count: hours / 24 }) : m.back_hours({ count: hours })
}

/** What is allowed, in one line. */
export function allowedLine(terms: Terms, scope: GrantScope['scope']): string {
  const clips = terms.back_hours === null ? m.term_from_now() : m.term_back({ span: backShort(terms.back_hours) })
  return terms.rights.map((right) => (right === 'playback' && scope === 'camera' ? clips : rightWord(right))).join(', ')
}

/** The bounds of a grant, beside its end: in which hours, how often, with whom. */
export function boundLines(terms: Terms, secondName: string, opened: number): string[] {
  const lines: string[] = []
  if (terms.hours !== null) lines.push(hoursLine(terms.hours))
  if (terms.opens !== null) lines.push(m.term_opens({ left: Math.max(0, terms.opens - opened), of: terms.opens }))
  if (terms.second !== null) lines.push(m.term_second({ name: secondName || m.someone() }))
  return lines
}

/** The terms of a template; its end is counted from now on. */
export function termsOf(template: Template, nowUs: number): Terms {
  return {
    rights: template.rights,
    back_hours: template.back_hours,
    hours: template.hours,
    until_us: template.days === null ? null : nowUs + template.days * 86_400_000_000,
    opens: null,
    second: null,
  }
}

/** What the people table shows of several grants: none of these rights. */
export function without(rights: readonly Right[]): Right[] {
  return RIGHTS.map(({ right }) => right).filter((right) => !rights.includes(right))
}
