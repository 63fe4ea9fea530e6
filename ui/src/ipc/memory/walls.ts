// Walls, windows and kept pictures of the memory client.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'
import type { House } from './house'

type Ours =
  | 'walls'
  | 'keepWall'
  | 'removeWall'
  | 'viewSettings'
  | 'setViewSettings'
  | 'tileDetails'
  | 'keepLivePicture'
  | 'keepPlayerPicture'
  | 'showInFolder'
  | 'windowRole'
  | 'rememberShown'
  | 'openSecondWindow'
  | 'openSmallWindow'
  | 'closeThisWindow'
  | 'backToMain'
  | 'dragWindow'
  | 'resizeWindow'
  | 'enlargePage'

/** What a house without a desktop answers of its windows: there is one, unless the option `window` names another. */
export function wallsOf(home: House, options: URLSearchParams): Pick<Client, Ours> {
  let walls: wire.SavedWall[] = []
  let view: wire.ViewSettings = { text_percent: 100, patrol_seconds: 15, wall: '' }
  let made = 0
  const named = options.get('window')
  return {
    walls: async () => walls,
    async keepWall(wall) {
      if (wall.name.trim() === '') throw new WireError('invalid', 'a wall has a name')
      made += 1
      const kept: wire.SavedWall = { ...wall, id: wall.id ?? `w${made}`, name: wall.name.trim() }
      walls = wall.id === null ? [...walls, kept] : walls.map((one) => (one.id === kept.id ? kept : one))
      return kept
    },
    async removeWall(id) {
      if (!walls.some((wall) => wall.id === id)) throw new WireError('not_found', 'this wall was not found')
      walls = walls.filter((wall) => wall.id !== id)
      return null
    },
    viewSettings: async () => view,
    async setViewSettings(settings) {
      view = settings
      return null
    },
    async tileDetails(camera) {
      const stream = (role: wire.StreamRole, width: number, height: number, bits: number): wire.StreamDetails => ({
        stream: role,
        codec: 'h264',
        width,
        height,
        fps: 25,
        bits_per_second: bits,
        transport: 'tcp',
      })
      if (!home.cameras.some((one) => one.id === camera)) throw new WireError('not_found', 'this camera was not found')
      return {
        streams: [stream('main', 1920, 1080, 4_100_000), stream('sub', 640, 360, 512_000)],
        decoded: [{ stream: 'sub', decoder: 'avdec_h264', hardware: false }],
      }
    },
    async keepLivePicture(camera, format) {
      const name = home.cameras.find((one) => one.id === camera)?.name ?? ''
      return { path: `/home/anna/Pictures/Hausrecht/${name}.${format === 'png' ? 'png' : 'jpg'}`, width: 1920, height: 1080 }
    },
    keepPlayerPicture: async (format) => ({ path: `/home/anna/Pictures/Hausrecht/2026-03-14 08.12.05.${format === 'png' ? 'png' : 'jpg'}`, width: 1920, height: 1080 }),
    showInFolder: async () => null,
    windowRole: async () =>
      named === 'second' ? { role: 'second', shows: '' } : named === 'small' ? { role: 'small', camera: home.cameras[0]?.id ?? '' } : { role: 'main' },
    rememberShown: async () => null,
    openSecondWindow: async () => null,
    openSmallWindow: async () => null,
    closeThisWindow: async () => null,
    backToMain: async () => null,
    dragWindow: async () => null,
    resizeWindow: async () => null,
    enlargePage: async () => null,
  }
}
