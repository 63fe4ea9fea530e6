// Finds clips by time: the one that runs at a moment, and the neighbours of one.

import { HOUR_US, MINUTE_US } from '../../i18n/time'
import type { Client, ClipView } from '../../ipc/client'

/** Longer than any clip. */
const LONGEST_US = 10 * MINUTE_US

/** The clip of `camera` that runs at `atUs`. */
export async function clipAt(client: Client, camera: string, atUs: number): Promise<ClipView | null> {
  const to = Math.round(atUs) + 1
  const before = await client.clips({ cameras: [camera], events: [], from_us: to - LONGEST_US, to_us: to, limit: 50 })
  return before.find((clip) => clip.start_us <= atUs && atUs <= clip.start_us + clip.duration_us) ?? null
}

/** The clip before, and the clip after, of the same camera. */
export async function neighbours(client: Client, clip: ClipView): Promise<{ previous: ClipView | null; next: ClipView | null }> {
  const cameras = [clip.camera]
  const [previous] = await client.clips({ cameras, events: [], from_us: 0, to_us: clip.start_us, limit: 1 })
  for (const reach of [15 * MINUTE_US, 8 * HOUR_US, 400 * 24 * HOUR_US]) {
    const from_us = clip.start_us + 1
    const later = await client.clips({ cameras, events: [], from_us, to_us: from_us + reach, limit: 500 })
    // Newest first: the nearest is the last, unless the list was cut at its limit.
    if (later.length > 0) return { previous: previous ?? null, next: later.at(-1) ?? null }
  }
  return { previous: previous ?? null, next: null }
}
