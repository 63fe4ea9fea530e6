// Finds clips by time: the newest of a span, and the neighbours of one.

import { HOUR_US, MINUTE_US } from '../../i18n/time'
import type { Client, ClipQuery, ClipView } from '../../ipc/client'

/** Given at once, at most. */
export const PAGE = 500
/** Clips are never kept longer. */
const HORIZON_US = 400 * 24 * HOUR_US

/** The newest `count` clips that fit, in as many questions as that needs, and whether there are more. */
export async function newest(
  client: Pick<Client, 'clips'>,
  query: Omit<ClipQuery, 'limit'>,
  count: number,
): Promise<{ clips: ClipView[]; more: boolean }> {
  const found = new Map<string, ClipView>()
  let to_us = query.to_us
  while (found.size < count) {
    const before = found.size
    const page = await client.clips({ ...query, to_us, limit: PAGE })
    for (const clip of page) found.set(clip.id, clip)
    const oldest = page.at(-1)
    if (page.length < PAGE || oldest === undefined || found.size === before) return { clips: [...found.values()], more: false }
    // Several cameras may begin a clip in the same moment: the last moment is asked for once more.
    to_us = oldest.start_us + 1
  }
  return { clips: [...found.values()], more: true }
}

/** The first clip of these cameras that starts at or after `fromUs`. */
async function firstFrom(client: Pick<Client, 'clips'>, cameras: string[], fromUs: number): Promise<ClipView | null> {
  const endUs = fromUs + HORIZON_US
  let reachUs = 15 * MINUTE_US
  for (let from_us = fromUs; from_us < endUs; ) {
    const running = await client.clips({ cameras, events: [], from_us, to_us: from_us + reachUs, limit: PAGE })
    // The clip that runs at `fromUs` is among them; it begins before.
    const later = running.filter((clip) => clip.start_us >= fromUs)
    if (later.length === 0) {
      from_us += reachUs
      // A gap is crossed in growing steps.
      reachUs *= 4
    } else if (running.length < PAGE || reachUs <= MINUTE_US) {
      // Newest first: the nearest is the last.
      return later.at(-1) ?? null
    } else {
      // The list was cut at its limit: the nearest may not be in it.
      reachUs = Math.max(MINUTE_US, Math.floor(reachUs / 8))
    }
  }
  return null
}

/** The clip before, and the clip after, of the same camera. */
export async function neighbours(
  client: Pick<Client, 'clips'>,
  clip: ClipView,
): Promise<{ previous: ClipView | null; next: ClipView | null }> {
  const cameras = [clip.camera]
  const [previous] = await client.clips({ cameras, events: [], from_us: 0, to_us: clip.start_us, limit: 1 })
  return { previous: previous ?? null, next: await firstFrom(client, cameras, clip.start_us + 1) }
}
