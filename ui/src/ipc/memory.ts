// A client without an engine, for tests and for drawing screens: a small house with a believable course of things.
// It is reached only while developing and never part of the built window.

import { WireError, type Client, type ClientEvents } from './client'
import type * as wire from './bindings'
import { fakeFrame, fakeJpeg } from './memory/pictures'
import { controlOf } from './memory/control'
import { exportsOf } from './memory/exports'
import { backupOf } from './memory/backup'
import { packageOf } from './memory/package'
import { witnessOf } from './memory/witness'
import { footageOf } from './memory/footage'
import { recordingOf } from './memory/recording'
import { timelineOf } from './memory/timeline'
import { togetherOf } from './memory/together'
import { wallsOf } from './memory/walls'
import { clipsOf, DEMO, FOUND, house, logRow, MINUTE, type House } from './memory/house'
import { peoplePart } from './memory/people'

type Listeners = { [K in keyof ClientEvents]: Set<(snapshot: ClientEvents[K]) => void> }

/** Options by name: `phase` (empty, locked, open, member), `theme`, `lang`, `presenter`, `log` (entries), `bare`. */
export function memoryClient(options: URLSearchParams, nowUs: () => number = () => Date.now() * 1000): Client {
  const home: House = house(nowUs(), options.get('bare') === '1')
  const rows = Number(options.get('log') ?? 18_232)
  const listeners: Listeners = {
    session: new Set(),
    discovery: new Set(),
    cameras: new Set(),
    tiles: new Set(),
    player: new Set(),
    together: new Set(),
    card_jobs: new Set(),
    card_player: new Set(),
    exports: new Set(),
    footage: new Set(),
    drop_hovers: new Set(),
    package_given: new Set(),
    backup_given: new Set(),
    clips_changed: new Set(),
    grants_changed: new Set(),
    wrapping: new Set(),
    log_grew: new Set(),
    verify: new Set(),
    notice: new Set(),
    open_route: new Set(),
    shown_camera: new Set(),
  }
  function emit<K extends keyof ClientEvents>(name: K, snapshot: ClientEvents[K]): void {
    for (const receive of listeners[name]) receive(snapshot)
  }

  const { certificateChanged, ...control } = controlOf(home, nowUs, emit)
  const { recordOf, gapsOf, holdsOf, ...recording } = recordingOf(home, nowUs, () => emit('clips_changed', null))
  const { bookmarksOf, ...timeline } = timelineOf(home, nowUs, gapsOf, () => emit('clips_changed', null))
  const lockAfterUs = () => settings.lock_after_minutes * MINUTE
  const openAs = (me: wire.Me): wire.Session => ({ phase: 'open', me, locks_at_us: nowUs() + lockAfterUs() - 1 })
  let settings: wire.Settings = {
    language: (options.get('lang') as wire.Language | null) ?? 'system',
    theme: (options.get('theme') as wire.Theme | null) ?? 'dark',
    presenter: (options.get('presenter') as wire.PresenterKind | null) ?? 'canvas',
    kept_hours: 72,
    kept_reason: '',
    lock_after_minutes: 15,
    lock_with_desktop: true,
  }
  let me: wire.Me = { id: 'a1', name: 'Anna', owner: true, color: 0, recovery_made: false }
  const passphrases = new Map([
    ['Anna', 'anna'],
    ['Lena', 'lena'],
  ])
  let wrong = 0
  /** Who chose the keyring. */
  let kept: string | null = options.has('keyring') ? 'Anna' : null
  let session: wire.Session = locked()
  function locked(): wire.Session {
    return { phase: 'locked', recording: home.cameras.length, wait_ms: wrong > 2 ? 8000 : 0, by_keyring: kept !== null }
  }
  const phase = options.get('phase') ?? 'open'
  if (phase === 'empty') session = { phase: 'empty' }
  if (phase === 'open') session = openAs(me)
  if (phase === 'member') session = openAs((me = { id: 'b2', name: 'Lena', owner: false, color: 1, recovery_made: false }))

  let discovery: wire.Discovery = { searching: false, cameras: [] }
  let places: wire.TilePlace[] = []
  let generation = 0
  let player: wire.PlayerState | null = null
  let verify: wire.VerifyState | null = null
  const sheet = (): wire.RecoverySheet => ({
    identity: 'AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQS5Z4N2T',
    qr_svg:
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h3v3H0zM5 0h3v3H5zM0 5h3v3H0zM4 4h1v1H4zM6 5h1v2H6zM4 6h1v2H4z"/></svg>',
    recipient: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    made_us: nowUs(),
  })

  const owner = () => {
    if (!me.owner) throw new WireError('not_allowed', 'only the owner may do this')
  }
  const clipById = (id: string): wire.ClipView => {
    const clip = clipsOf(home, nowUs()).find((one) => one.id === id)
    if (!clip) throw new WireError('not_found', `no clip ${id}`)
    return clip
  }
  const tiles = (): wire.TileState[] =>
    home.cameras.map((camera, i) => ({
      camera: camera.id,
      picture:
        i === 5
          ? { state: 'dead', since_us: home.startUs - 95 * MINUTE, reason: certificateChanged() ? 'certificate_changed' : 'stream_refused', retry_at_us: certificateChanged() ? null : nowUs() + 8_000_000 }
          : { state: 'live' },
      recording: recordOf(camera.id) === 'recording',
      record: recordOf(camera.id),
      fps: 25,
      age_ms: 104 + i * 3,
      lag_ms: 0,
      frozen_ms: 0,
      aspect: 16 / 9,
      last_event: i === 0 ? { kind: 'person', at_us: home.startUs - 20 * MINUTE, active: true } : null,
    }))

  // Searches answer one by one, players run, verifications walk.
  const later = (ms: number, what: () => void) => void setTimeout(what, ms)
  function search(answers: wire.FoundCamera[]): void {
    discovery = { searching: true, cameras: [] }
    emit('discovery', discovery)
    answers.forEach((camera, i) =>
      later(150 * (i + 1), () => {
        discovery = { ...discovery, cameras: [...discovery.cameras, camera] }
        emit('discovery', discovery)
      }),
    )
    later(150 * answers.length + 1500, () => {
      discovery = { ...discovery, searching: false }
      emit('discovery', discovery)
    })
  }
  function run(): void {
    if (player?.playing) {
      const { repeated, speed } = player
      let position = Math.min(player.duration_us, Math.max(0, player.position_us + 200_000 * speed))
      if (repeated !== null && (position > repeated.to_us || position < repeated.from_us)) position = speed < 0 ? repeated.to_us : repeated.from_us
      const ended = repeated === null && position === (speed < 0 ? 0 : player.duration_us)
      player = { ...player, position_us: position, ended, playing: !ended }
      emit('player', player)
    }
    if (player !== null) later(200, run)
  }
  function walk(): void {
    if (verify === null) return
    const done = Math.min(verify.total, verify.done + Math.ceil(verify.total / 8))
    const running = done < verify.total
    verify = { ...verify, done, entries: done, running, finished_us: running ? null : nowUs() }
    emit('verify', verify)
    if (running) later(250, walk)
  }
  function add(camera: wire.FoundCamera): wire.CameraView {
    const view: wire.CameraView = {
      id: `c${home.cameras.length}`,
      name: camera.name,
      maker_model: camera.maker_model,
      firmware: '1.0',
      address: camera.address,
      demo: camera.demo,
      away: false,
      recording: true,
      viewers: [home.people[0]!.face],
      rights: ['live', 'playback', 'ptz', 'talk', 'snapshot', 'copy'],
    }
    home.cameras.push(view)
    emit('cameras', [...home.cameras])
    emit('tiles', tiles())
    return view
  }
  const rate = (text: string): wire.PassphraseRating => {
    const score = Math.min(4, Math.floor(text.length / 5))
    return { score, guesses_log10: text.length }
  }

  return {
    ...control,
    ...footageOf(nowUs, emit),
    ...recording,
    ...timeline,
    ...togetherOf(home, nowUs, emit),
    ...wallsOf(home, options),
    on(name, receive) {
      listeners[name].add(receive)
      return () => void listeners[name].delete(receive)
    },
    frames(receive) {
      const timer = setInterval(() => {
        places.forEach((place, i) => receive(fakeFrame(i, generation, place, home)))
      }, 400)
      return { drawn: () => undefined, close: () => clearInterval(timer) }
    },

    session: async () => session,
    async createOwner(given) {
      if (session.phase !== 'empty') throw new WireError('already_set_up', 'there is an owner')
      me = { id: 'a1', name: given.name, owner: true, color: 0, recovery_made: false }
      passphrases.set(given.name, given.passphrase)
      home.people[0]!.face.name = given.name
      session = openAs(me)
      emit('session', session)
      return sheet()
    },
    async recoverySheet(passphrase) {
      if (passphrases.get(me.name) !== passphrase) throw new WireError('wrong_passphrase', 'not this passphrase')
      return sheet()
    },
    async recoveryDone() {
      me = { ...me, recovery_made: true }
      session = openAs(me)
      return null
    },
    suggestPassphrase: async () => ({ words: 'lantern orbit mosaic harvest pebble cinder', bits: 77.5 }),
    ratePassphrase: async (text) => rate(text),
    isKept: async () => kept === me.name,
    async keepKeys(passphrase) {
      if (options.get('keyring') === 'none') throw new WireError('no_keyring', 'the keyring: no secret service answers')
      if (passphrases.get(me.name) !== passphrase) throw new WireError('wrong_passphrase', 'not this passphrase')
      kept = me.name
      return null
    },
    async forgetKeys() {
      kept = null
      return null
    },
    async unlockByKeyring() {
      const person = home.people.find((one) => one.face.name === kept)
      if (!person) throw new WireError('no_keyring', 'the keyring does not have the keys any more')
      me = { ...person.face, recovery_made: false }
      session = openAs(me)
      emit('session', session)
      return session
    },
    async unlock(name, passphrase) {
      const person = home.people.find((one) => one.face.name === name)
      if (!person || passphrases.get(name) !== passphrase) {
        wrong += 1
        session = locked()
        throw new WireError('wrong_passphrase', 'not this passphrase')
      }
      wrong = 0
      me = { ...person.face, recovery_made: false }
      session = openAs(me)
      emit('session', session)
      return session
    },
    async lock() {
      session = locked()
      emit('session', session)
      return null
    },
    async touch() {
      if (session.phase === 'open') emit('session', (session = openAs(me)))
    },
    settings: async () => settings,
    async setSettings(given) {
      if (given.kept_hours > 72 && given.kept_reason === '') throw new WireError('invalid', 'kept_reason is empty')
      settings = given
      return settings
    },

    async discover() {
      search(FOUND)
      return null
    },
    discovery: async () => discovery,
    async addByAddress(address) {
      const camera = { key: address, name: 'Shed', maker_model: 'Axis M1065', address, outside_range: false, known: false, demo: false, gone: false, new: false }
      discovery = { ...discovery, cameras: [...discovery.cameras, camera] }
      emit('discovery', discovery)
      return camera
    },
    foundPicture: async () => fakeJpeg(),
    async connectCameras({ keys, user, password }) {
      return keys.map((key) => {
        const camera = discovery.cameras.find((one) => one.key === key)
        const fits = camera && (camera.demo ? user === 'demo' && password === 'demo' : password !== 'wrong' || key === FOUND[0]?.key)
        if (!camera || !fits) return { key, camera: null, error: { code: 'camera_refused' as const, message: 'NotAuthorized' } }
        return { key, camera: add(camera).id, error: null }
      })
    },
    cameras: async () => [...home.cameras],
    async renameCamera(id, name) {
      home.cameras = home.cameras.map((camera) => (camera.id === id ? { ...camera, name } : camera))
      emit('cameras', home.cameras)
      return home.cameras.find((camera) => camera.id === id)!
    },
    async setCameraPassword(id) {
      return home.cameras.find((camera) => camera.id === id)!
    },
    async removeCamera(id) {
      home.cameras = home.cameras.filter((camera) => camera.id !== id)
      emit('cameras', home.cameras)
      return null
    },
    async startDemo() {
      search(DEMO)
      return null
    },
    demoAvailable: async () => true,

    tiles: async () => tiles(),
    async placeTiles(given) {
      places = given
      generation += 1
      return generation
    },
    streamEndpoint: async () => ({ port: 0, token: '' }),

    async timeline(from_us, to_us) {
      const clips = clipsOf(home, nowUs())
      return {
        from_us,
        to_us,
        lanes: home.cameras.map((camera) => {
          const own = clips.filter((clip) => clip.camera === camera.id && clip.start_us >= from_us && clip.start_us < to_us)
          return {
            camera: camera.id,
            camera_name: camera.name,
            gaps: gapsOf(camera.id, from_us, to_us),
            recorded: own.map((clip) => ({ from_us: clip.start_us, to_us: clip.start_us + clip.duration_us })),
            events: own
              .filter((clip) => clip.events.length > 0)
              .map((clip) => ({
                id: `e${clip.id}`,
                kind: clip.events[0]!,
                topic: '',
                from_us: clip.start_us,
                to_us: clip.start_us + clip.duration_us,
              })),
          }
        }),
      }
    },
    async clips(query) {
      return clipsOf(home, nowUs())
        .filter(
          (clip) =>
            clip.start_us >= query.from_us &&
            clip.start_us < query.to_us &&
            (query.cameras.length === 0 || query.cameras.includes(clip.camera)) &&
            (query.events.length === 0 || query.events.some((kind) => clip.events.includes(kind))),
        )
        .slice(0, query.limit)
    },
    thumbnails: async (ids) => ids.map((clip) => ({ clip, jpeg_base64: fakeJpeg() })),
    async clip(id) {
      const clip = clipById(id)
      const grants = home.people.flatMap((person) => person.grants.map((grant) => ({ person, grant })))
      return {
        clip,
        may_view: [
          { face: home.people[0]!.face, grant: null, scope: null, until_us: null, terms: null, second_name: '', opened: 0 },
          ...grants
            .filter(({ grant }) => grant.scope.scope === 'clip' ? grant.scope.clip === id : grant.scope.camera === clip.camera)
            .map(({ person, grant }) => ({ face: person.face, grant: grant.id, scope: grant.scope, until_us: grant.until_us, terms: grant.terms, second_name: grant.second_name, opened: grant.opened })),
        ],
        rights: ['live', 'playback', 'ptz', 'talk', 'snapshot', 'copy'],
        gate: { gate: 'open' },
        opened: [{ face: home.people[0]!.face, at_us: nowUs() - 8 * MINUTE, entry: 18_228 }],
        copies: [],
        integrity: 'untouched',
        entry: 18_204,
        kept_until_us: clip.start_us + 72 * 60 * MINUTE,
        holds: holdsOf(clip.camera, clip.start_us, clip.start_us + clip.duration_us),
        bookmarks: bookmarksOf(clip.id),
        track: [],
        cause: recordOf(clip.camera) === 'waiting' ? (clip.events[0] ?? null) : null,
      }
    },
    photographCheckpoint: async () => ({ text: 'hausrecht/0\n', size: rows, qr_svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M0 0h1v1H0zM1 1h1v1H1z"/></svg>' }),
    wouldErase: async (what) => ({ clips: what.what === 'clips' ? what.clips.length : 11, size_bytes: what.what === 'clips' ? 6_200_000 : 70_000_000, held: 0 }),
    async erase({ what }) {
      owner()
      return { clips: what.what === 'clips' ? what.clips.length : 11, size_bytes: 6_200_000, held: 0 }
    },
    async openClip(id) {
      const clip = clipById(id)
      const idle = player === null
      player = {
        clip: id,
        start_us: clip.start_us,
        duration_us: clip.duration_us,
        position_us: 0,
        playing: false,
        ended: false,
        speed: 1,
        repeated: null,
        adjust: { brightness: 0, contrast: 1, saturation: 1, gamma: 1 },
        has_picture: true,
        error: null,
      }
      if (idle) later(200, run)
      return player
    },
    async player(order) {
      if (player === null) throw new WireError('not_found', 'no clip is open')
      const to = (us: number) => Math.min(player!.duration_us, Math.max(0, us))
      if (order.do === 'play') {
        const start = player.speed < 0 ? player.duration_us : 0
        player = { ...player, playing: true, ended: false, position_us: player.ended ? start : player.position_us }
      }
      if (order.do === 'repeat') player = { ...player, repeated: order.span }
      if (order.do === 'adjust') player = { ...player, adjust: order.adjust }
      if (order.do === 'pause') player = { ...player, playing: false }
      if (order.do === 'seek') player = { ...player, position_us: to(order.to_us), ended: false }
      if (order.do === 'step') player = { ...player, playing: false, position_us: to(player.position_us + order.frames * 40_000) }
      if (order.do === 'speed') player = { ...player, speed: order.speed }
      emit('player', player)
      return null
    },
    async closePlayer() {
      player = null
    },

    async people() {
      owner()
      return home.people.map((person) => ({ ...person, grants: [...person.grants] }))
    },
    async addPerson({ name, passphrase, accept_weak, role, until_us }) {
      owner()
      if (home.people.some((one) => one.face.name === name)) throw new WireError('invalid', `${name} exists already`)
      if (!accept_weak && rate(passphrase).score < 3) throw new WireError('invalid', 'the passphrase is weak')
      const face = { id: `p${home.people.length}`, name, owner: false, color: home.people.length }
      const person = { face, role, until_us, language: null, added_us: nowUs(), grants: [], last_opened_us: null }
      passphrases.set(name, passphrase)
      home.people.push(person)
      return person
    },
    ...peoplePart({ home, nowUs, me: () => me, rows: () => rows, clip: clipById, passphrases, told: () => emit('grants_changed', null) }),

    async logPage({ offset, limit, kinds, person }) {
      const all = kinds.length === 0 && person === null
      if (all) {
        const count = Math.max(0, Math.min(limit, rows - offset))
        return { size: rows, matching: rows, rows: Array.from({ length: count }, (_, i) => logRow(home, rows - 1 - offset - i, rows)) }
      }
      const newest = Array.from({ length: Math.min(rows, 400) }, (_, i) => logRow(home, rows - 1 - i, rows))
      const fitting = newest.filter(
        (row) => (kinds.length === 0 || kinds.includes(row.kind)) && (person === null || row.actor?.id === person || row.person?.id === person),
      )
      return { size: rows, matching: fitting.length, rows: fitting.slice(offset, offset + limit) }
    },
    async logEntry(index) {
      const row = logRow(home, index, rows)
      return {
        row,
        released_us: row.kind === 'opened' ? row.at_us + 15_000 : null,
        leaf_hash: '8f3a91c0'.padEnd(60, '4') + '77e1',
        tree_size: rows,
        root: 'c2d904be'.padEnd(60, '1') + '1fa6',
        proven: true,
        signed_by_owner: row.kind === 'grant',
        leaf: `{"kind":"${row.kind}","index":${index}}`,
        proof: 'c2sp.org/tlog-proof@v1\nindex 18229',
      }
    },
    async verifyLog() {
      verify = { running: true, done: 0, entries: 0, total: rows, findings: [], finished_us: null }
      emit('verify', verify)
      later(250, walk)
      return null
    },
    verifyState: async () => verify,
    checkpoint: async () => 'hausrecht/log\n18232\n',
    ...exportsOf(home, emit),
    ...packageOf(options, nowUs),
    ...backupOf(options, nowUs),
    ...witnessOf(options, nowUs),
    nameTray: async () => undefined,
    exportCheckpoint: async () => `/home/anna/Downloads/checkpoint-${rows}.txt`,
  }
}
