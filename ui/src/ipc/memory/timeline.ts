// The memory client's timeline: its few clips and their events, given themselves or counted as the engine does, and bookmarks.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'
import { clipsOf, MINUTE, type House } from './house'

type Names = 'lanes' | 'walkEvents' | 'clipIn' | 'bookmarks' | 'giveBookmark' | 'changeBookmark' | 'removeBookmark'

const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Lengths of buckets, as the engine keeps them. */
const LEVELS = [10 * MINUTE, HOUR, 6 * HOUR, DAY]

/** What the memory client answers about the timeline. */
export function timelineOf(
  home: House,
  nowUs: () => number,
  gapsOf: (camera: string, from_us: number, to_us: number) => wire.Gap[],
  changed: () => void,
): Pick<Client, Names> & { bookmarksOf: (clip: string) => wire.BookmarkView[] } {
  let bookmarks: wire.BookmarkView[] = []
  let made = 0
  const all = () => clipsOf(home, nowUs())
  const events = (): wire.EventLine[] =>
    all().flatMap((clip) =>
      clip.events.map((kind, i) => ({
        id: `e${clip.id}-${i}`,
        camera: clip.camera,
        camera_name: clip.camera_name,
        kind,
        topic: '',
        from_us: clip.start_us + (i + 1) * 9_000_000,
        to_us: clip.start_us + (i + 1) * 9_000_000 + 14_000_000,
      })),
    )
  const place = (camera: string, from_us: number, to_us: number) =>
    all().find((clip) => clip.camera === camera && clip.start_us < to_us && clip.start_us + clip.duration_us > from_us) ?? null

  return {
    bookmarksOf: (clip) => bookmarks.filter((bookmark) => bookmark.clip === clip),
    async lanes(from_us, to_us) {
      const length = to_us - from_us
      const bucket_us = length <= 8 * DAY ? 0 : (LEVELS.find((us) => length / us <= 440) ?? DAY)
      const first_us = bucket_us === 0 ? from_us : Math.floor(from_us / bucket_us) * bucket_us
      const count = bucket_us === 0 ? 0 : Math.ceil((to_us - first_us) / bucket_us)
      const [clips, happened] = [all(), events()]
      const lanes = home.cameras.map((camera): wire.CameraLane => {
        const own = clips.filter((clip) => clip.camera === camera.id && clip.start_us < to_us && clip.start_us + clip.duration_us > from_us)
        const marks = happened.filter((event) => event.camera === camera.id && event.from_us < to_us && event.to_us > from_us)
        const lane: wire.CameraLane = { camera: camera.id, camera_name: camera.name, recorded: [], filled: [], density: [], events: [], gaps: gapsOf(camera.id, from_us, to_us) }
        if (bucket_us === 0) {
          lane.recorded = own.map((clip) => ({ from_us: clip.start_us, to_us: clip.start_us + clip.duration_us })).reverse()
          lane.events = marks.map(({ id, kind, topic, from_us, to_us }) => ({ id, kind, topic, from_us, to_us }))
          return lane
        }
        const at = (us: number) => Math.floor((us - first_us) / bucket_us)
        if (own.length > 0) {
          const sums = new Array<number>(count).fill(0)
          for (const clip of own) sums[at(clip.start_us)] = (sums[at(clip.start_us)] ?? 0) + clip.duration_us
          lane.filled = sums.map((us) => (us === 0 ? 0 : Math.min(100, Math.max(1, Math.round((us / bucket_us) * 100)))))
        }
        for (const kind of new Set(marks.map((event) => event.kind))) {
          const counts = new Array<number>(count).fill(0)
          for (const event of marks.filter((one) => one.kind === kind)) counts[at(event.from_us)] = (counts[at(event.from_us)] ?? 0) + 1
          lane.density.push({ kind, counts })
        }
        return lane
      })
      return { bucket_us, first_us, lanes }
    },
    async walkEvents({ kinds, cameras, forward, from_us, from_id, until_us, limit }) {
      const order = (a: { from_us: number; id: string }, b: { from_us: number; id: string }) => a.from_us - b.from_us || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
      const sign = forward ? 1 : -1
      return events()
        .filter((event) => (kinds.length === 0 || kinds.includes(event.kind)) && (cameras.length === 0 || cameras.includes(event.camera)))
        .filter((event) => (from_id === null ? (event.from_us - from_us) * sign > 0 : order(event, { from_us, id: from_id }) * sign > 0))
        .filter((event) => until_us === null || (until_us - event.from_us) * sign >= 0)
        .sort((a, b) => order(a, b) * sign)
        .slice(0, limit)
    },
    async clipIn(camera, from_us, to_us) {
      const clip = place(camera, from_us, to_us)
      return clip && { clip: clip.id, camera, start_us: clip.start_us, end_us: clip.start_us + clip.duration_us }
    },
    bookmarks: async () => [...bookmarks].sort((a, b) => b.at_us - a.at_us),
    async giveBookmark({ camera, at_us, note }) {
      const clip = place(camera, at_us, at_us + 1)
      if (clip === null) throw new WireError('not_found', 'no clip of that moment')
      made += 1
      const view: wire.BookmarkView = { id: `m${made}`, clip: clip.id, camera, camera_name: clip.camera_name, at_us, note, by: home.people[0]!.face, made_us: nowUs(), mine: true, entry: 18_232 + made }
      bookmarks = [...bookmarks, view]
      changed()
      return view
    },
    async changeBookmark(id, note) {
      const old = bookmarks.find((bookmark) => bookmark.id === id)
      if (old === undefined) throw new WireError('not_found', 'no such bookmark')
      const view = { ...old, note }
      bookmarks = bookmarks.map((bookmark) => (bookmark.id === id ? view : bookmark))
      changed()
      return view
    },
    async removeBookmark(id) {
      bookmarks = bookmarks.filter((bookmark) => bookmark.id !== id)
      changed()
      return null
    },
  }
}
