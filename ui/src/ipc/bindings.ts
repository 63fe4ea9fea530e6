// Commands, events and values that cross between window and engine. Shapes equal those of the engine's `wire` module.

import { invoke as tauriInvoke } from '@tauri-apps/api/core'
import { listen as tauriListen } from '@tauri-apps/api/event'

export type CameraId = string
export type ClipId = string
export type EventId = string
export type GrantId = string
export type PersonId = string
export type UnixMicros = number

export type ErrorCode =
  | 'wrong_passphrase'
  | 'locked'
  | 'not_allowed'
  | 'already_set_up'
  | 'invalid'
  | 'not_found'
  | 'camera_unreachable'
  | 'camera_refused'
  | 'camera_unsuitable'
  | 'log_unwritable'
  | 'clip_missing'
  | 'clip_changed'
  | 'clip_cut'
  | 'disk_full'
  | 'internal'
export type Error = { code: ErrorCode; message: string }
export type Result<T, E> = { status: 'ok'; data: T } | { status: 'error'; error: E }

export type EventKind = 'motion' | 'person' | 'vehicle' | 'animal' | 'doorbell' | 'tamper' | 'input' | 'unknown'
export type StreamRole = 'main' | 'sub'

export type Me = { id: PersonId; name: string; owner: boolean; color: number; recovery_made: boolean }
export type Session =
  | { phase: 'empty' }
  | { phase: 'locked'; recording: number; wait_ms: number }
  | { phase: 'open'; me: Me; locks_at_us: UnixMicros }
export type CreateOwner = { name: string; passphrase: string; accept_weak: boolean }
export type SuggestedPassphrase = { words: string; bits: number }
export type PassphraseRating = { score: number; guesses_log10: number }
export type RecoverySheet = { identity: string; qr_svg: string; recipient: string; made_us: UnixMicros }
export type Language = 'system' | 'en' | 'de'
export type Theme = 'system' | 'dark' | 'light'
export type PresenterKind = 'native' | 'canvas'
export type Settings = {
  language: Language
  theme: Theme
  presenter: PresenterKind
  kept_hours: number
  kept_reason: string
  lock_after_minutes: number
}
export type NoticeKind = 'disk_full' | 'clock_step' | 'recovered' | 'log_unwritable'
export type Notice = { kind: NoticeKind; camera: CameraId | null; detail: string }

export type FoundCamera = {
  key: string
  name: string
  maker_model: string
  address: string
  outside_range: boolean
  known: boolean
  demo: boolean
}
export type Discovery = { searching: boolean; cameras: FoundCamera[] }
export type ConnectCameras = { keys: string[]; user: string; password: string }
export type ConnectOutcome = { key: string; camera: CameraId | null; error: Error | null }
export type CameraView = {
  id: CameraId
  name: string
  maker_model: string
  firmware: string
  address: string
  demo: boolean
  recording: boolean
  viewers: Face[]
}
export type LastEvent = { kind: EventKind; at_us: UnixMicros; active: boolean }
export type DeadReason =
  | 'unreachable'
  | 'stream_refused'
  | 'wrong_password'
  | 'frozen'
  | 'no_key_frame'
  | 'unsupported_codec'
  | 'worker_ended'
export type PictureState =
  | { state: 'starting' }
  | { state: 'live' }
  | { state: 'dead'; since_us: UnixMicros; reason: DeadReason; retry_at_us: UnixMicros | null }
export type TileState = {
  camera: CameraId
  picture: PictureState
  recording: boolean
  fps: number
  age_ms: number
  aspect: number | null
  last_event: LastEvent | null
}
export type TileSource = { source: 'live'; camera: CameraId; stream: StreamRole } | { source: 'player' }
export type TilePlace = { what: TileSource; x: number; y: number; width: number; height: number }
export type StreamEndpoint = { port: number; token: string }

export type ClipView = {
  id: ClipId
  camera: CameraId
  camera_name: string
  start_us: UnixMicros
  duration_us: number
  size_bytes: number
  events: EventKind[]
  cut_short: boolean
  has_thumbnail: boolean
  opened: number
}
export type ClipQuery = { cameras: CameraId[]; from_us: UnixMicros; to_us: UnixMicros; events: EventKind[]; limit: number }
export type RecordedSpan = { from_us: UnixMicros; to_us: UnixMicros }
export type EventMark = { id: EventId; kind: EventKind; topic: string; from_us: UnixMicros; to_us: UnixMicros }
export type Lane = { camera: CameraId; camera_name: string; recorded: RecordedSpan[]; events: EventMark[] }
export type Timeline = { from_us: UnixMicros; to_us: UnixMicros; lanes: Lane[] }
export type Thumbnail = { clip: ClipId; jpeg_base64: string | null }
export type MayView = { face: Face; grant: GrantId | null; scope: GrantScope | null; until_us: UnixMicros | null }
export type Opened = { face: Face; at_us: UnixMicros; entry: number }
export type Copied = { face: Face; at_us: UnixMicros; entry: number }
export type Integrity = 'untouched' | 'changed' | 'missing'
export type ClipDetail = {
  clip: ClipView
  may_view: MayView[]
  opened: Opened[]
  copies: Copied[]
  integrity: Integrity
  entry: number
  kept_until_us: UnixMicros
}
export type PlayerState = {
  clip: ClipId
  start_us: UnixMicros
  duration_us: number
  position_us: number
  playing: boolean
  ended: boolean
  speed: number
  has_picture: boolean
  error: Error | null
}
export type PlayerOrder =
  | { do: 'play' }
  | { do: 'pause' }
  | { do: 'seek'; to_us: number }
  | { do: 'step'; frames: number }
  | { do: 'speed'; speed: number }

export type Face = { id: PersonId; name: string; owner: boolean; color: number }
export type GrantScope =
  | { scope: 'clip'; clip: ClipId }
  | { scope: 'span'; camera: CameraId; from_us: UnixMicros; to_us: UnixMicros }
  | { scope: 'camera'; camera: CameraId }
export type GrantView = {
  id: GrantId
  person: PersonId
  scope: GrantScope
  camera_name: string
  clip_start_us: UnixMicros | null
  given_us: UnixMicros
  until_us: UnixMicros | null
  reason: string
  entry: number
}
export type PersonView = { face: Face; added_us: UnixMicros; grants: GrantView[]; last_opened_us: UnixMicros | null }
export type AddPerson = { name: string; passphrase: string; accept_weak: boolean }
export type GiveGrant = { person: PersonId; scope: GrantScope; until_us: UnixMicros | null; reason: string }
export type TakenBack = { opened: number }

export type Fact = { name: string; value: string; personal: boolean }
export type LogRow = {
  index: number
  at_us: UnixMicros
  kind: string
  actor: Face | null
  camera: CameraId | null
  camera_name: string | null
  clip: ClipId | null
  clip_start_us: UnixMicros | null
  person: Face | null
  refers_to: number | null
  facts: Fact[]
}
export type LogQuery = { offset: number; limit: number; kinds: string[]; camera: CameraId | null; person: PersonId | null }
export type LogPage = { size: number; matching: number; rows: LogRow[] }
export type LogEntryDetail = {
  row: LogRow
  released_us: UnixMicros | null
  leaf_hash: string
  tree_size: number
  root: string
  proven: boolean
  signed_by_owner: boolean
  leaf: string
  proof: string
}
export type Finding = { entry: number | null; clip: ClipId | null; code: string; detail: string }
export type VerifyState = {
  running: boolean
  done: number
  total: number
  findings: Finding[]
  finished_us: UnixMicros | null
}

async function call<T>(command: string, args?: Record<string, unknown>): Promise<Result<T, Error>> {
  try {
    return { status: 'ok', data: await tauriInvoke<T>(command, args) }
  } catch (error) {
    if (error instanceof globalThis.Error) throw error
    return { status: 'error', error: error as Error }
  }
}

export const commands = {
  session: () => call<Session>('session'),
  createOwner: (owner: CreateOwner) => call<RecoverySheet>('create_owner', { owner }),
  recoverySheet: (passphrase: string) => call<RecoverySheet>('recovery_sheet', { passphrase }),
  recoveryDone: () => call<null>('recovery_done'),
  suggestPassphrase: () => call<SuggestedPassphrase>('suggest_passphrase'),
  ratePassphrase: (text: string) => call<PassphraseRating>('rate_passphrase', { text }),
  unlock: (name: string, passphrase: string) => call<Session>('unlock', { name, passphrase }),
  lock: () => call<null>('lock'),
  touch: () => call<null>('touch'),
  settings: () => call<Settings>('settings'),
  setSettings: (settings: Settings) => call<Settings>('set_settings', { settings }),
  discover: () => call<null>('discover'),
  discovery: () => call<Discovery>('discovery'),
  addByAddress: (address: string) => call<FoundCamera>('add_by_address', { address }),
  foundPicture: (key: string, user: string, password: string) =>
    call<string | null>('found_picture', { key, user, password }),
  connectCameras: (request: ConnectCameras) => call<ConnectOutcome[]>('connect_cameras', { request }),
  cameras: () => call<CameraView[]>('cameras'),
  renameCamera: (id: CameraId, name: string) => call<CameraView>('rename_camera', { id, name }),
  setCameraPassword: (id: CameraId, user: string, password: string) =>
    call<CameraView>('set_camera_password', { id, user, password }),
  removeCamera: (id: CameraId) => call<null>('remove_camera', { id }),
  startDemo: () => call<null>('start_demo'),
  demoAvailable: () => call<boolean>('demo_available'),
  tiles: () => call<TileState[]>('tiles'),
  placeTiles: (places: TilePlace[]) => call<number>('place_tiles', { places }),
  streamEndpoint: () => call<StreamEndpoint>('stream_endpoint'),
  timeline: (fromUs: UnixMicros, toUs: UnixMicros) => call<Timeline>('timeline', { fromUs, toUs }),
  clips: (query: ClipQuery) => call<ClipView[]>('clips', { query }),
  thumbnails: (clips: ClipId[]) => call<Thumbnail[]>('thumbnails', { clips }),
  clip: (id: ClipId) => call<ClipDetail>('clip', { id }),
  openClip: (id: ClipId) => call<PlayerState>('open_clip', { id }),
  player: (order: PlayerOrder) => call<PlayerState>('player', { order }),
  closePlayer: () => call<null>('close_player'),
  people: () => call<PersonView[]>('people'),
  addPerson: (person: AddPerson) => call<PersonView>('add_person', { person }),
  grant: (grant: GiveGrant) => call<GrantView>('grant', { grant }),
  takeBack: (id: GrantId) => call<TakenBack>('take_back', { id }),
  logPage: (query: LogQuery) => call<LogPage>('log_page', { query }),
  logEntry: (index: number) => call<LogEntryDetail>('log_entry', { index }),
  verifyLog: () => call<null>('verify_log'),
  verifyState: () => call<VerifyState | null>('verify_state'),
  checkpoint: () => call<string>('checkpoint'),
  exportCheckpoint: () => call<string>('export_checkpoint'),
}

function event<T>(name: string) {
  return { listen: (receive: (event: { payload: T }) => void) => tauriListen<T>(name, receive) }
}

export const events = {
  sessionEvent: event<Session>('session'),
  discoveryEvent: event<Discovery>('discovery'),
  camerasEvent: event<CameraView[]>('cameras'),
  tilesEvent: event<TileState[]>('tiles'),
  playerEvent: event<PlayerState>('player'),
  clipsChangedEvent: event<null>('clips_changed'),
  logGrewEvent: event<number>('log_grew'),
  verifyEvent: event<VerifyState>('verify'),
  noticeEvent: event<Notice>('notice'),
}
