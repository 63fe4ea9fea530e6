// What the choices of a grant mean on the wire.

import { m } from '../i18n/generated/messages.js'
import { dayClockWithin, HOUR_US, until } from '../i18n/time'
import type { GrantScope, GrantView } from '../ipc/client'

/** How long a grant holds. */
export type UntilChoice = 'hour' | 'day' | 'week' | 'date' | 'back'

/** The end of a grant; `null`: until taken back. A date that is not complete ends it at once. */
export function untilOf(choice: UntilChoice, dateUs: number | null, nowUs: number): number | null {
  switch (choice) {
    case 'hour':
      return nowUs + HOUR_US
    case 'day':
      return nowUs + 24 * HOUR_US
    case 'week':
      return nowUs + 7 * 24 * HOUR_US
    case 'date':
      return dateUs ?? nowUs
    case 'back':
      return null
  }
}

/** Whether these ends make a span: both are there, and in their order. */
export function isSpan(fromUs: number | null, toUs: number | null): boolean {
  return fromUs !== null && toUs !== null && fromUs < toUs
}

/** What was chosen, a scope for each camera; nothing while it is not complete, so that nothing wider is given in its place. */
export function scopesOf(
  what: GrantScope['scope'],
  clip: string | null,
  cameras: readonly string[],
  fromUs: number | null,
  toUs: number | null,
): GrantScope[] {
  switch (what) {
    case 'clip':
      return clip === null ? [] : [{ scope: 'clip', clip }]
    case 'span':
      if (fromUs === null || toUs === null || !isSpan(fromUs, toUs)) return []
      return cameras.map((camera) => ({ scope: 'span', camera, from_us: fromUs, to_us: toUs }))
    case 'camera':
      return cameras.map((camera) => ({ scope: 'camera', camera }))
  }
}

/** What a grant covers, in one line. */
export function scopeLine(grant: GrantView, nowUs: number): string {
  const { scope, camera_name: camera } = grant
  switch (scope.scope) {
    case 'clip':
      return m.grant_clip({
        camera,
        when: grant.clip_start_us === null ? '' : dayClockWithin(grant.clip_start_us, nowUs),
      })
    case 'span':
      return m.grant_span({
        camera,
        from: dayClockWithin(scope.from_us, nowUs),
        to: dayClockWithin(scope.to_us, nowUs),
      })
    case 'camera':
      return m.grant_camera({ camera })
  }
}

/** Until when a grant holds, as a clause. */
export function untilLine(untilUs: number | null, nowUs: number): string {
  return untilUs === null ? m.clip_may_always() : m.clip_may_until({ until: until(untilUs, nowUs) })
}
