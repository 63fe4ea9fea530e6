import { beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryClient } from '../src/ipc/memory'
import { shown } from '../src/screens/clips/shown.svelte'
import { App } from '../src/state/app.svelte'
import { kept } from '../src/state/notices'

beforeEach(() => {
  vi.stubGlobal('location', { hash: '' })
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('removeEventListener', () => undefined)
})

async function opened(): Promise<App> {
  const app = new App(memoryClient(new URLSearchParams('phase=open')))
  await app.start()
  app.notify({ kind: 'camera_came', camera: null, detail: 'Shed' })
  Object.assign(shown, { window: { fromUs: 5, toUs: 6 }, camera: 'cam1', kinds: ['person'] })
  expect(app.lastName).toBe('Anna')
  return app
}

describe('the next person', () => {
  it('finds no notice, filter or name of the one who signed out', async () => {
    const app = await opened()
    await app.signOut()
    expect(app.session?.phase).toBe('locked')
    expect(app.notices).toEqual([])
    expect(app.lastName).toBe('')
    expect(app.cameras).toEqual([])
    expect({ ...shown }).toMatchObject({ window: null, camera: '', kinds: [], headUs: null })
    app.stop()
  })
  it('finds the name only where somebody locked by hand to come back', async () => {
    const app = await opened()
    await app.lock()
    expect(app.notices).toEqual([])
    expect(app.lastName).toBe('Anna')
    app.signedIn(await app.client.unlock('Anna', 'anna'))
    // Left alone, the window locks by itself.
    app.signedIn({ phase: 'locked', recording: 1, wait_ms: 0, by_keyring: false })
    expect(app.lastName).toBe('')
    app.stop()
  })
})

describe('more notices than fit', () => {
  const notice = (kind: Parameters<typeof kept>[0][number]['kind']) => ({ kind })
  it('lose the mildest first, of these the oldest', () => {
    const full = [notice('disk_full'), notice('camera_came'), notice('recovered'), notice('event_flood')]
    expect(kept(full).map((one) => one.kind)).toEqual(['disk_full', 'recovered', 'event_flood'])
    expect(kept([notice('log_unwritable'), notice('clock_step'), notice('camera_away'), notice('camera_came')]).map((one) => one.kind)).toEqual([
      'log_unwritable',
      'clock_step',
      'camera_away',
    ])
  })
  it('never lose a grave one to a mild one', () => {
    const many = [notice('disk_full'), notice('recording_failed'), notice('log_unwritable'), notice('event_flood')]
    expect(kept(many).map((one) => one.kind)).toEqual(['disk_full', 'recording_failed', 'log_unwritable'])
  })
})

describe('what is drawn and not kept', () => {
  it('is left only once the person agrees, by whatever way', async () => {
    const app = await opened()
    app.go({ screen: 'camera', id: 'cam0', part: 'masks' })
    const end = app.guard((to) => to.screen !== 'camera')
    app.go({ screen: 'camera', id: 'cam0', part: 'events' })
    expect(app.route).toEqual({ screen: 'camera', id: 'cam0', part: 'events' })
    app.go({ screen: 'log' })
    expect(app.route.screen).toBe('camera')
    expect(app.leaving).toEqual({ screen: 'log' })
    app.leaving = null
    app.open('#/clips')
    expect(app.leaving).toEqual({ screen: 'clips' })
    app.leave()
    expect(app.route).toEqual({ screen: 'clips' })
    expect(app.leaving).toBeNull()
    end()
    app.stop()
  })
  it('does not keep a window from locking', async () => {
    const app = await opened()
    app.guard(() => true)
    await app.lock()
    expect(app.session?.phase).toBe('locked')
    expect(app.route).toEqual({ screen: 'live' })
    expect(app.leaving).toBeNull()
    app.stop()
  })
})
