// What the whole window knows: who is signed in, the cameras, the tiles, where it is. Snapshots replace, never patch.

import { asWireError, type AskView, type CameraView, type Client, type Notice, type Session, type Settings, type TileState, type ViewSettings, type WindowRole, type Wrapping } from '../ipc/client'
import { m } from '../i18n/generated/messages.js'
import { forgetShown } from '../screens/clips/shown.svelte'
import { setLanguage } from '../i18n/locale.svelte'
import { FootageList } from '../screens/footage/footage.svelte'
import { GivenBackup } from '../screens/welcome/restore.svelte'
import { GivenPackages } from '../screens/package/package.svelte'
import { kept, type OwnNotice } from './notices'
import { hashOf, routeOf, type Route } from './route'

/** A notice with a number of its own, so that two alike can stand. */
export type Shown = (Notice | OwnNotice) & { number: number }

/** State of the window; one for its life. */
export class App {
  readonly client: Client
  session = $state.raw<Session | null>(null)
  settings = $state.raw<Settings>({
    language: 'system',
    theme: 'dark',
    presenter: 'native',
    kept_hours: 72,
    kept_reason: '',
    lock_after_minutes: 15,
    lock_with_desktop: true,
  })
  /** How the person likes the window. */
  view = $state.raw<ViewSettings>({ text_percent: 100, patrol_seconds: 15, wall: '' })
  /** What this window is there for. */
  role = $state.raw<WindowRole>({ role: 'main' })
  /** The page fills the screen. */
  full = $state(false)
  cameras = $state.raw<CameraView[]>([])
  tiles = $state.raw<TileState[]>([])
  notices = $state.raw<Shown[]>([])
  route = $state.raw<Route>({ screen: 'live' })
  /** Where the window would go if the person agrees to lose what is not kept. */
  leaving = $state.raw<Route | null>(null)
  /** Counts changes of the list of clips, so that screens ask again. */
  clipsChanged = $state(0)
  /** Counts changes of who may view what, and of what was asked. */
  grantsChanged = $state(0)
  /** How many wraps are still to be made for grants. */
  wrapping = $state.raw<Wrapping>({ grants: 0, made: 0 })
  /** What was asked of whoever is signed in, and by them. */
  asks = $state.raw<AskView[]>([])
  /** Entries in the log, as last heard. */
  logSize = $state<number | null>(null)
  /** The window's time. Microseconds; moves once a second. */
  nowUs = $state(Date.now() * 1000)
  keysShown = $state(false)
  /** Files on their way into the vault. */
  readonly footage: FootageList
  /** A backup that is to be brought back. */
  readonly backup: GivenBackup
  /** A package that somebody was given; needs nobody to be signed in. */
  readonly package: GivenPackages
  /** The welcome goes on after its first step has signed the owner in. */
  welcoming = $state(false)
  /** Name for the lock screen; it stays only where somebody locked by hand to come back. */
  lastName = $state('')
  /** When the next sign-in may be tried, after wrong ones; zero: at once. */
  openAtUs = $state(0)
  /** What kept the window from starting. */
  startError = $state.raw<{ code: import('../ipc/client').ErrorCode; message: string } | null>(null)

  #numbers = 0
  #touchedMs = 0
  #comesBack = false
  #loses: ((to: Route) => boolean) | null = null
  /** Where to go once somebody has signed in. */
  #waiting: string | null = null
  #endings: (() => void)[] = []

  me = $derived(this.session?.phase === 'open' ? this.session.me : null)
  owner = $derived(this.me?.owner ?? false)

  constructor(client: Client) {
    this.client = client
    this.footage = new FootageList(client)
    this.package = new GivenPackages(client)
    this.backup = new GivenBackup(client)
  }

  /** Listens to the engine and asks for the first snapshots. */
  async start(): Promise<void> {
    const { client } = this
    this.#endings.push(
      client.on('session', (session) => this.#setSession(session)),
      client.on('cameras', (cameras) => this.session?.phase === 'open' && this.#setCameras(cameras)),
      client.on('tiles', (tiles) => this.session?.phase === 'open' && (this.tiles = tiles)),
      client.on('clips_changed', () => (this.clipsChanged += 1)),
      client.on('grants_changed', () => {
        this.grantsChanged += 1
        void this.loadAsks()
      }),
      client.on('wrapping', (wrapping) => (this.wrapping = wrapping)),
      client.on('log_grew', (size) => (this.logSize = size)),
      client.on('notice', (notice) => this.notify(notice)),
      client.on('open_route', (hash) => this.open(hash)),
      this.footage.listen(),
      this.package.listen(),
      this.backup.listen(),
    )
    const tick = setInterval(() => (this.nowUs = Date.now() * 1000), 1000)
    this.#endings.push(() => clearInterval(tick))
    const follow = () => {
      const to = routeOf(location.hash)
      if (!this.#holds(to)) {
        this.route = to
        return
      }
      this.leaving = to
      location.hash = hashOf(this.route)
    }
    addEventListener('hashchange', follow)
    this.#endings.push(() => removeEventListener('hashchange', follow))
    follow()
    try {
      this.role = await client.windowRole().catch((): WindowRole => ({ role: 'main' }))
      // The language is known first, so that even the lock screen speaks it.
      await client.settings().then((settings) => this.applySettings(settings)).catch(() => undefined)
      this.#setSession(await client.session())
      if (this.role.role === 'main') await Promise.all([this.package.look(), this.backup.look()])
    } catch (thrown) {
      const { code, message } = asWireError(thrown)
      this.startError = { code, message }
    }
  }

  /** Ends listening. */
  stop(): void {
    for (const end of this.#endings) end()
    this.#endings = []
  }

  /** Asks what is asked. */
  async loadAsks(): Promise<void> {
    if (this.session?.phase !== 'open' || this.role.role !== 'main') return
    this.asks = await this.client.asks().catch(() => [])
  }

  /** Goes to a screen; where something would be lost on the way, once the person has agreed. */
  go(route: Route): void {
    if (this.#holds(route)) this.leaving = route
    else this.#goTo(route)
  }

  /** Asks before the window leaves for a route that `loses` something; the returned function ends that. */
  guard(loses: (to: Route) => boolean): () => void {
    this.#loses = loses
    return () => {
      if (this.#loses === loses) this.#loses = null
    }
  }

  /** The person agrees to lose it. */
  leave(): void {
    const to = this.leaving
    this.leaving = null
    this.#loses = null
    if (to !== null) this.#goTo(to)
  }

  #holds(to: Route): boolean {
    return this.session?.phase === 'open' && (this.#loses?.(to) ?? false)
  }

  #goTo(route: Route): void {
    this.leaving = null
    this.footage.endWatching()
    location.hash = hashOf(route)
    this.route = route
  }

  /** Goes where a notification of the desktop leads; while the window is locked, once it is open. */
  open(hash: string): void {
    if (this.session?.phase === 'open') this.go(routeOf(hash))
    else this.#waiting = hash
  }

  /** Shows settings at once. */
  applySettings(settings: Settings): void {
    this.settings = settings
    setLanguage(settings.language)
    // Without a tray there is nothing to name, and nothing else depends on it.
    if (this.role.role === 'main') this.client.nameTray(m.tray_show(), m.tray_quit()).catch(() => {})
  }

  /** Changes how the person likes the window, for this time and the next. */
  setView(change: Partial<ViewSettings>): void {
    this.view = { ...this.view, ...change }
    // The other windows only read it.
    if (this.role.role === 'main' && this.session?.phase === 'open') this.client.setViewSettings(this.view).catch(() => undefined)
  }

  /** Shows everything at this size, 100 to 200 percent. */
  enlarge(percent: number): void {
    const held = Math.max(100, Math.min(200, percent))
    if (held !== this.view.text_percent) this.setView({ text_percent: held })
    this.client.enlargePage(held).catch(() => undefined)
  }

  notify(notice: Notice | OwnNotice): void {
    this.#numbers += 1
    const others = this.notices.filter((n) => n.kind !== notice.kind || n.camera !== notice.camera)
    this.notices = kept([...others, { ...notice, number: this.#numbers }])
  }

  dismiss(number: number): void {
    this.notices = this.notices.filter((notice) => notice.number !== number)
  }

  cameraName(id: string | null): string | null {
    return this.cameras.find((camera) => camera.id === id)?.name ?? null
  }

  /** Puts the idle lock off; asks the engine at most every 20 s. */
  touched(): void {
    if (this.session?.phase !== 'open') return
    const nowMs = Date.now()
    if (nowMs - this.#touchedMs < 20_000) return
    this.#touchedMs = nowMs
    this.client.touch().catch(() => undefined)
  }

  /** Locks the window; the name stays for the next sign-in. */
  async lock(): Promise<void> {
    this.#comesBack = true
    await this.#leave()
    this.#comesBack = false
  }

  /** Locks the window and forgets the name. */
  async signOut(): Promise<void> {
    await this.#leave()
  }

  /** Takes what a sign-in or a lock answered. */
  signedIn(session: Session): void {
    this.#setSession(session)
  }

  /** Says which camera has left the network since the last snapshot. */
  #setCameras(cameras: CameraView[]): void {
    const before = this.cameras
    this.cameras = cameras
    for (const camera of cameras) {
      const was = before.find((one) => one.id === camera.id)
      if (was && !was.away && camera.away) this.notify({ kind: 'camera_away', camera: camera.id, detail: '' })
      if (was?.away && !camera.away) this.notices = this.notices.filter((one) => one.kind !== 'camera_away' || one.camera !== camera.id)
    }
  }

  async #leave(): Promise<void> {
    try {
      await this.client.lock()
      this.#setSession(await this.client.session())
    } catch {
      // The engine's own session event says how it stands.
    }
  }

  #setSession(session: Session): void {
    const before = this.session
    if (session.phase === 'empty') this.welcoming = true
    if (session.phase === 'open') {
      this.lastName = session.me.name
      const other = before?.phase !== 'open' || before.me.id !== session.me.id
      this.session = session
      if (other) void this.#opened()
      return
    }
    if (session.phase === 'locked') {
      this.openAtUs = session.wait_ms === 0 ? 0 : Date.now() * 1000 + session.wait_ms * 1000
      this.welcoming = false
      this.cameras = []
      this.tiles = []
      this.asks = []
      this.wrapping = { grants: 0, made: 0 }
      this.keysShown = false
      if (before?.phase === 'open') this.#forget()
      // Whoever signs in next begins at the start: a clip that was open must not open by itself.
      this.#loses = null
      this.#goTo({ screen: 'live' })
    }
    this.session = session
  }

  /** Nothing of what one person was told or looked for reaches the next. */
  #forget(): void {
    this.notices = []
    this.logSize = null
    if (!this.#comesBack) this.lastName = ''
    this.footage.forget()
    forgetShown()
  }

  async #opened(): Promise<void> {
    const { client, me } = this
    const isStill = () => this.me?.id === me?.id
    try {
      this.applySettings(await client.settings())
      this.view = await client.viewSettings()
      if (!isStill()) return
      this.enlarge(this.view.text_percent)
      const cameras = await client.cameras()
      if (!isStill()) return
      this.cameras = cameras
      const tiles = await client.tiles()
      if (!isStill()) return
      this.tiles = tiles
    } catch {
      // The snapshots come again by event.
    }
    if (!isStill()) return
    await this.loadAsks()
    if (!isStill()) return
    if (this.owner) await this.footage.load()
    if (!isStill()) return
    if (!this.owner && (this.route.screen === 'people' || this.route.screen === 'camera')) this.go({ screen: 'live' })
    if (this.#waiting !== null) {
      this.go(routeOf(this.#waiting))
      this.#waiting = null
    }
  }
}
