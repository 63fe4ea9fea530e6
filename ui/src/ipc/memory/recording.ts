// How the memory client's cameras are recorded: one always, one on events, one off, and what is kept longer.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'
import { clipsOf, MINUTE, type House } from './house'

type Names = 'recordingSettings' | 'setRecordingSettings' | 'storage' | 'setKeepLimits' | 'gaps' | 'hold' | 'releaseHold' | 'holds'

const DAY = 24 * 60 * MINUTE
const KINDS: wire.EventKind[] = ['motion', 'person', 'vehicle', 'animal', 'face', 'package', 'line', 'intrusion', 'doorbell', 'sound', 'tamper']

/** What the memory client answers about recording. */
export function recordingOf(
  home: House,
  nowUs: () => number,
  changed: () => void,
): Pick<Client, Names> & {
  recordOf: (camera: string) => wire.RecordState
  gapsOf: (camera: string, from_us: number, to_us: number) => wire.Gap[]
  holdsOf: (camera: string, from_us: number, to_us: number) => wire.HoldView[]
} {
  const set = new Map<string, wire.RecordingSettings>()
  let limits: wire.KeepLimits = { size_mb: null, reserve_mb: null }
  let holds: wire.HoldView[] = []
  let made = 0

  const at = (camera: string) => {
    const index = home.cameras.findIndex((one) => one.id === camera)
    if (index < 0) throw new WireError('not_found', `no camera ${camera}`)
    return index
  }
  function settingsOf(camera: string): wire.RecordingSettings {
    const index = at(camera)
    const mode: wire.RecordMode = index === 1 ? 'events' : index === 4 ? 'off' : 'always'
    return set.get(camera) ?? { mode, week: null, pre_roll_s: 10, post_roll_s: 30, kinds: KINDS, kept_days: null, kept_reason: '', size_mb: null }
  }
  function modeNow(camera: string): wire.RecordMode {
    const { mode, week } = settingsOf(camera)
    const now = new Date(nowUs() / 1000)
    return week?.[(now.getDay() + 6) % 7]?.[now.getHours() * 2 + Math.floor(now.getMinutes() / 30)] ?? mode
  }
  function recordOf(camera: string): wire.RecordState {
    if (at(camera) === 5) return 'no_pictures'
    const mode = modeNow(camera)
    if (mode === 'off') return settingsOf(camera).week === null ? 'off' : 'off_by_schedule'
    return mode === 'always' ? 'recording' : 'waiting'
  }
  function gapsOf(camera: string, from_us: number, to_us: number): wire.Gap[] {
    const own = clipsOf(home, nowUs()).filter((clip) => clip.camera === camera)
    const first = own.at(-1)?.start_us ?? nowUs()
    const spans: wire.Gap[] = [{ from_us: first - 60 * MINUTE, to_us: first, reason: at(camera) === 1 ? 'waiting' : 'not_running' }]
    if (at(camera) === 5) spans.push({ from_us: (own[0]?.start_us ?? first) + MINUTE, to_us: nowUs(), reason: 'unreachable' })
    return spans.filter((gap) => gap.from_us < to_us && gap.to_us > from_us)
  }
  const storage = (): wire.Storage => {
    const cameras = home.cameras.map((camera, i) => {
      const own = clipsOf(home, nowUs()).filter((clip) => clip.camera === camera.id)
      const whole = (6_200_000 + i * 410_000) * 60 * 24
      return {
        camera: camera.id,
        name: camera.name,
        stored_bytes: Math.round(whole * (i === 1 ? 0.9 : 2.9)),
        clips: own.length * 48,
        oldest_us: nowUs() - 3 * DAY,
        last_day_bytes: Math.round(whole * (i === 1 ? 0.3 : i === 4 ? 0 : 0.98)),
        whole_day_bytes: i === 4 ? null : whole,
      }
    })
    const stored_bytes = cameras.reduce((sum, one) => sum + one.stored_bytes, 0)
    const day_bytes = cameras.reduce((sum, one) => sum + one.last_day_bytes, 0)
    const [total_bytes, free_bytes] = [2e12, 1.1e12]
    const reserve_bytes = limits.reserve_mb === null ? total_bytes / 50 : limits.reserve_mb * 1e6
    const room = Math.min(stored_bytes + free_bytes - reserve_bytes, limits.size_mb === null ? Infinity : limits.size_mb * 1e6)
    return { limits, total_bytes, free_bytes, reserve_bytes, stored_bytes, day_bytes, reach_days: day_bytes > 0 ? room / day_bytes : null, only_held_left: false, cameras }
  }

  return {
    recordOf,
    gapsOf,
    holdsOf: (camera, from_us, to_us) => holds.filter((hold) => hold.camera === camera && hold.from_us < to_us && hold.to_us > from_us),
    recordingSettings: async (camera) => settingsOf(camera),
    async setRecordingSettings(camera, settings) {
      at(camera)
      set.set(camera, settings)
      return settings
    },
    storage: async () => storage(),
    async setKeepLimits(to) {
      limits = to
      return storage()
    },
    gaps: async (camera, from_us, to_us) => gapsOf(camera, from_us, to_us),
    async hold(given) {
      made += 1
      const camera_name = home.cameras[at(given.camera)]?.name ?? ''
      const view: wire.HoldView = { ...given, id: `h${made}`, camera_name, made_us: nowUs(), entry: 18_232 + made }
      holds = [view, ...holds]
      changed()
      return view
    },
    async releaseHold(id) {
      holds = holds.filter((hold) => hold.id !== id)
      changed()
      return null
    },
    holds: async () => holds,
  }
}
