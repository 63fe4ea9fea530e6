// Sums about notifications: quiet hours that go over midnight, and the table of cameras and kinds.

import type { EventKind, NotifyRules, QuietHours } from '../../ipc/client'

/** Minutes in a day. */
const DAY_MIN = 24 * 60

/** Kinds that can be told, the most urgent first. */
export const KINDS: EventKind[] = [
  'doorbell',
  'person',
  'face',
  'package',
  'intrusion',
  'line',
  'vehicle',
  'animal',
  'sound',
  'tamper',
  'input',
  'motion',
]

/** What is told of a camera until the owner says otherwise: people and what they do, not everything that moves. */
const USUAL: EventKind[] = ['person', 'package', 'intrusion', 'doorbell', 'tamper']

/** `22:00` of 1320. */
export function timeField(minutes: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** 1320 of `22:00`; `null` for anything else. */
export function minutesOf(text: string): number | null {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text)
  return match === null ? null : Number(match[1]) * 60 + Number(match[2])
}

/** Whether the end lies on the next day. */
export function isOverMidnight(quiet: QuietHours): boolean {
  return quiet.to_min < quiet.from_min
}

/** Whether it is quiet at no time at all: equal ends hold no minute, as the desktop's side counts it. */
export function isNever(quiet: QuietHours): boolean {
  return quiet.from_min === quiet.to_min
}

/** Whether it is quiet at this minute of the day. */
export function isQuiet(quiet: QuietHours | null, minute: number): boolean {
  if (quiet === null) return false
  const at = ((minute % DAY_MIN) + DAY_MIN) % DAY_MIN
  return isOverMidnight(quiet) ? at >= quiet.from_min || at < quiet.to_min : at >= quiet.from_min && at < quiet.to_min
}

/** What is told of a camera. */
function kindsOf(rules: NotifyRules, camera: string): EventKind[] {
  return rules.kinds.find((one) => one.camera === camera)?.kinds ?? USUAL
}

/** Whether a kind of a camera is told. */
export function isTold(rules: NotifyRules, camera: string, kind: EventKind): boolean {
  return kindsOf(rules, camera).includes(kind)
}

/** The rules with some kinds of a camera told or not. */
export function tell(rules: NotifyRules, camera: string, kinds: EventKind[], told: boolean): NotifyRules {
  const before = kindsOf(rules, camera)
  const rest = before.filter((kind) => !kinds.includes(kind))
  const after = told ? [...KINDS, ...before].filter((kind, i, all) => all.indexOf(kind) === i && (rest.includes(kind) || kinds.includes(kind))) : rest
  return { ...rules, kinds: [...rules.kinds.filter((one) => one.camera !== camera), { camera, kinds: after }] }
}
