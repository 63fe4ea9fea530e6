// Cameras played in step, without an engine.

import { WireError, type Client, type ClientEvents } from '../client'
import type * as wire from '../bindings'
import { clipsOf, type House } from './house'

type Emit = <K extends keyof ClientEvents>(name: K, snapshot: ClientEvents[K]) => void

const STEP_MS = 100

export function togetherOf(home: House, nowUs: () => number, emit: Emit): Pick<Client, 'openTogether' | 'together' | 'closeTogether'> {
  let state: wire.TogetherState | null = null
  let running = false

  function show(atUs: number): void {
    if (state === null) return
    const clips = clipsOf(home, nowUs())
    const seats = state.seats.map((seat) => {
      const clip = clips.find((one) => one.camera === seat.camera && one.start_us <= atUs && atUs < one.start_us + one.duration_us)
      return { ...seat, clip: clip?.id ?? null, shown_us: clip === undefined ? null : Math.floor(atUs / 40_000) * 40_000 }
    })
    const starts = clips.filter((clip) => clip.start_us > atUs && seats.some((seat) => seat.camera === clip.camera)).map((clip) => clip.start_us)
    const next_us = seats.every((seat) => seat.clip === null) && starts.length > 0 ? Math.min(...starts) : null
    state = { ...state, seats, at_us: Math.round(atUs), next_us, waiting: false }
    emit('together', state)
  }
  function run(): void {
    running = state !== null
    if (state === null) return
    if (state.playing) show(state.at_us + STEP_MS * 1000 * state.speed)
    setTimeout(run, STEP_MS)
  }

  return {
    async openTogether(cameras, at_us) {
      if (cameras.length < 2 || cameras.length > 9) throw new WireError('invalid', `2 to 9 cameras are played together, not ${cameras.length}`)
      const seats = cameras.map((camera) => ({ camera, camera_name: home.cameras.find((one) => one.id === camera)?.name ?? '', clip: null, shown_us: null, error: null }))
      state = { seats, at_us, playing: true, waiting: true, speed: 1, next_us: null }
      if (!running) run()
      return state
    },
    async together(order) {
      if (state === null) throw new WireError('not_found', 'cameras that are played together')
      if (order.do === 'play') state = { ...state, playing: true }
      if (order.do === 'pause') state = { ...state, playing: false }
      if (order.do === 'speed') state = { ...state, speed: order.speed }
      if (order.do === 'step') state = { ...state, playing: false }
      show(order.do === 'seek' ? order.to_us : order.do === 'step' ? state.at_us + order.frames * 40_000 : state.at_us)
      return null
    },
    async closeTogether() {
      state = null
    },
  }
}
