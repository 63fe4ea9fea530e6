// The one surface through which every screen reaches its host. Failures are thrown as `WireError`.

import { commands, events } from './bindings'
import type * as wire from './bindings'
import { openFrameSocket, type FrameLink } from './frames'

export type { FrameLink } from './frames'
export type * from './bindings'

/** A failure that the engine named; screens branch on `code` only. */
export class WireError extends globalThis.Error {
  readonly code: wire.ErrorCode

  constructor(code: wire.ErrorCode, message: string) {
    super(message)
    this.name = 'WireError'
    this.code = code
  }
}

/** Turns whatever was thrown into a `WireError`; what nobody named is `internal`. */
export function asWireError(thrown: unknown): WireError {
  if (thrown instanceof WireError) return thrown
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    return new WireError(thrown.code as wire.ErrorCode, String(thrown.message))
  }
  return new WireError('internal', thrown instanceof globalThis.Error ? thrown.message : String(thrown))
}

/** Events by name, each with a whole snapshot. */
export interface ClientEvents {
  session: wire.Session
  discovery: wire.Discovery
  cameras: wire.CameraView[]
  tiles: wire.TileState[]
  player: wire.PlayerState
  together: wire.TogetherState
  card_jobs: wire.CardJob[]
  card_player: wire.CardPlayerState
  exports: wire.ExportView[]
  footage: wire.Footage
  /** Whether files are being dragged over the window. */
  drop_hovers: boolean
  /** A package is there to be opened. */
  package_given: null
  /** A backup is there to be restored. */
  backup_given: null
  clips_changed: null
  grants_changed: null
  wrapping: wire.Wrapping
  log_grew: number
  verify: wire.VerifyState
  notice: wire.Notice
  /** Where a notification of the desktop leads, as an address after `#`. */
  open_route: string
  /** The camera that the small window is to show from now on. */
  shown_camera: string
}

type Data<R> = R extends { status: 'ok'; data: infer D } ? D : R extends { status: 'error' } ? never : R
type Commands = typeof commands
type Called = { [K in keyof Commands]: (...args: Parameters<Commands[K]>) => Promise<Data<Awaited<ReturnType<Commands[K]>>>> }

/** Every command, every event, and the pictures of the canvas presenter. */
export interface Client extends Called {
  /** Listens; the returned function ends it. */
  on<K extends keyof ClientEvents>(name: K, receive: (snapshot: ClientEvents[K]) => void): () => void
  /** Opens the stream of pictures for canvases. */
  frames(receive: (message: ArrayBuffer) => void): FrameLink
}

/** Answers of commands that can fail carry a status; others come as they are. */
export async function unwrap<R>(answer: Promise<R>): Promise<Data<R>> {
  let result: unknown
  try {
    result = await answer
  } catch (thrown) {
    throw asWireError(thrown)
  }
  if (typeof result === 'object' && result !== null && 'status' in result) {
    if (result.status === 'error' && 'error' in result) throw asWireError(result.error)
    if (result.status === 'ok' && 'data' in result) return result.data as Data<R>
  }
  return result as Data<R>
}

type Sources = {
  [K in keyof ClientEvents]: {
    listen: (receive: (event: { payload: ClientEvents[K] }) => void) => Promise<() => void>
  }
}

const sources: Sources = {
  session: events.session,
  discovery: events.discovery,
  cameras: events.cameras,
  tiles: events.tiles,
  player: events.player,
  together: events.together,
  card_jobs: events.cardJobs,
  card_player: events.cardPlayer,
  exports: events.exports,
  footage: events.footage,
  drop_hovers: events.dropHovers,
  package_given: events.packageGiven,
  backup_given: events.backupGiven,
  clips_changed: events.clipsChanged,
  grants_changed: events.grantsChanged,
  wrapping: events.wrapping,
  log_grew: events.logGrew,
  verify: events.verify,
  notice: events.notice,
  open_route: events.openRoute,
  shown_camera: events.shownCamera,
}

/** The client of the desktop window. */
export function tauriClient(): Client {
  const called = Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      (...args: unknown[]) => unwrap((command as (...given: unknown[]) => Promise<unknown>)(...args)),
    ]),
  ) as unknown as Called
  return {
    ...called,
    on(name, receive) {
      const listening = sources[name].listen((event) => receive(event.payload))
      return () => void listening.then((end) => end())
    },
    frames: (receive) => openFrameSocket(() => called.streamEndpoint(), receive),
  }
}
