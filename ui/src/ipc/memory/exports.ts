// Exports of the client without an engine: they come to their end, and write nothing.

import type { Client, ClientEvents } from '../client'
import type * as wire from '../bindings'
import type { House } from './house'

type Exporting = Pick<Client, 'planExport' | 'startExport' | 'stopExport' | 'exports' | 'exportFolder' | 'chooseFolder' | 'showExport'>

/** The part of the client that exports. */
export function exportsOf(
  home: House,
  emit: <K extends keyof ClientEvents>(name: K, snapshot: ClientEvents[K]) => void,
): Exporting {
  let all: wire.ExportView[] = []
  let folder = ''
  const change = (id: number, changed: Partial<wire.ExportView>) => {
    all = all.map((one) => (one.id === id ? { ...one, ...changed } : one))
    emit('exports', all)
  }
  const length = (order: wire.ExportOrder) => (order.to_us - order.from_us) * order.cameras.length
  const name = (camera: string) => home.cameras.find((one) => one.id === camera)?.name ?? ''
  const run = (id: number, permille: number) => {
    const one = all.find((job) => job.id === id)
    if (one === undefined || one.state !== 'running') return
    if (permille < 1000) {
      change(id, { done_permille: permille, left_s: Math.ceil((1000 - permille) / 100) })
      setTimeout(() => run(id, permille + 50), 400)
      return
    }
    const files = one.order.cameras.map((camera) => ({
      name: `${name(camera)} 2026-11-22 21-04-05 UTC.mp4`,
      camera_name: name(camera),
      from_us: one.order.from_us,
      duration_us: one.order.to_us - one.order.from_us,
      size_bytes: 31_000_000,
      pictures: 1500,
      encoded: 12,
      hidden_us: 0,
    }))
    const made = one.order.packed ? `Hausrecht ${one.order.recipient} 2026-11-22 21-09-12 UTC.hausrecht` : null
    change(id, { state: 'done', done_permille: 1000, left_s: null, files, package: made })
  }
  return {
    planExport: async (order) => ({
      clips: 3 * order.cameras.length,
      files: order.cameras.length,
      recorded_us: length(order),
      size_bytes: Math.round(length(order) / 2),
      room_bytes: Math.round(length(order) / 2) * (order.on_picture ? 4 : 1) * (order.packed ? 2 : 1) + 32_000_000,
      free_bytes: order.folder === '' ? null : 48_000_000_000,
      seconds: order.on_picture ? 240 : 4,
      caption: order.on_picture ? `${order.recipient} · 2026-11-22` : null,
      hides: false,
    }),
    startExport: async (order) => {
      const id = all.length + 1
      folder = order.folder
      const view = { id, order, camera_names: order.cameras.map(name), state: 'running', done_permille: 0, left_s: 8, files: [], package: null, error: null }
      all = [...all, view as wire.ExportView]
      emit('exports', all)
      setTimeout(() => run(id, 50), 400)
      return id
    },
    stopExport: async (id) => {
      change(id, { state: 'stopped', left_s: null })
      return null
    },
    exports: async () => all,
    exportFolder: async () => folder,
    chooseFolder: async () => '/home/anna/Videos',
    showExport: async () => null,
  }
}
