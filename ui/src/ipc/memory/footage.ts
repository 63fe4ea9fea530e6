// Saved footage of the memory client: a list that fills when files are chosen, an import that goes by itself, sources.

import { WireError, type Client, type ClientEvents } from '../client'
import type * as wire from '../bindings'

type Names =
  | 'footage' | 'chooseFootage' | 'setFootageZone' | 'dropFootage' | 'closeFootage' | 'importFootage' | 'stopFootage'
  | 'watchFootage' | 'sources' | 'renameSource' | 'removeSource'

const HOUR = 3_600_000_000

/** What the memory client does with files. */
export function footageOf(
  nowUs: () => number,
  emit: <K extends keyof ClientEvents>(name: K, snapshot: ClientEvents[K]) => void,
): Pick<Client, Names> {
  let view: wire.Footage = { files: [], zone: 'Europe/Berlin', left_out: 0, looking: false, importing: false }
  let sources: wire.SourceView[] = [
    { id: 'src0', name: 'Old recorder', clips: 212, size_bytes: 4_100_000_000, from_us: nowUs() - 2400 * HOUR, to_us: nowUs() - 2390 * HOUR },
  ]
  let stopped = false

  const file = (id: number, name: string, more: Partial<wire.FootageFile>): wire.FootageFile => ({
    id,
    name,
    folder: 'DCIM',
    size_bytes: 182_000_000,
    state: 'ready',
    codec: 'h264',
    width: 2560,
    height: 1440,
    duration_us: 180_000_000,
    start_us: null,
    time_from: 'nowhere',
    other_us: null,
    track: '',
    view: null,
    known_in: null,
    done_us: 0,
    clips: 0,
    pictures: 0,
    left_out: 0,
    cut_short: false,
    refusal: null,
    detail: '',
    ...more,
  })
  const found = (): wire.FootageFile[] => [
    file(1, '20261118143000_000123F.MP4', { start_us: nowUs() - 96 * HOUR, time_from: 'satellites', view: 'front', track: '20261118143000_000123.GPX' }),
    file(2, '20261118143000_000124R.MP4', { start_us: nowUs() - 96 * HOUR, time_from: 'name', view: 'rear', codec: 'h265' }),
    file(3, 'Export Einfahrt.mkv', { start_us: nowUs() - 50 * HOUR, time_from: 'file', other_us: nowUs() - 26 * HOUR }),
    file(4, 'GX010123.MP4', {}),
    file(5, '20261101_101500.mp4', { start_us: nowUs() - 500 * HOUR, time_from: 'name', known_in: 'Old recorder' }),
    file(6, 'notes.mp4', { state: 'refused', codec: '', width: 0, height: 0, duration_us: 0, size_bytes: 812, refusal: 'not_a_film', detail: 'this is not MP4, MOV, MKV, AVI or TS' }),
  ]
  const put = (next: wire.Footage) => {
    view = next
    emit('footage', view)
    return view
  }
  const change = (id: number, part: Partial<wire.FootageFile>) =>
    put({ ...view, files: view.files.map((one) => (one.id === id ? { ...one, ...part } : one)) })

  function run(): void {
    const next = view.files.find((one) => one.state === 'importing') ?? view.files.find((one) => one.state === 'queued')
    if (next === undefined || stopped) {
      const files = view.files.map((one) => (one.state === 'queued' || one.state === 'importing' ? { ...one, state: 'stopped' as const } : one))
      put({ ...view, files, importing: false })
      return
    }
    const done_us = next.done_us + 45_000_000
    if (done_us >= next.duration_us) change(next.id, { state: 'done', done_us: next.duration_us, clips: 3, pictures: 5400 })
    else change(next.id, { state: 'importing', done_us })
    setTimeout(run, 200)
  }

  return {
    footage: async () => view,
    async chooseFootage() {
      return put({ ...view, files: found(), left_out: 2 })
    },
    async setFootageZone(zone) {
      return put({ ...view, zone })
    },
    async dropFootage(id) {
      return put({ ...view, files: view.files.filter((one) => one.id !== id) })
    },
    async closeFootage() {
      if (!view.importing) put({ ...view, files: [], left_out: 0 })
      return null
    },
    async importFootage(wanted) {
      if (wanted.some((one) => one.source === '')) throw new WireError('invalid', 'a name has 1 to 64 characters')
      stopped = false
      const ids = wanted.map((one) => one.id)
      put({ ...view, importing: true, files: view.files.map((one) => (ids.includes(one.id) ? { ...one, state: 'queued' } : one)) })
      setTimeout(run, 200)
      return view
    },
    async stopFootage() {
      stopped = true
      return null
    },
    async watchFootage() {
      return { clip: 'file', start_us: 0, duration_us: 180_000_000, position_us: 0, playing: false, ended: false, speed: 1, repeated: null, adjust: { brightness: 0, contrast: 1, saturation: 1, gamma: 1 }, has_picture: true, error: null }
    },
    sources: async () => sources,
    async renameSource(id, name) {
      sources = sources.map((one) => (one.id === id ? { ...one, name } : one))
      return sources
    },
    async removeSource(id) {
      sources = sources.filter((one) => one.id !== id)
      return sources
    },
  }
}
