import { describe, expect, it } from 'vitest'
import { asWireError, unwrap, WireError, type Session } from '../src/ipc/client'
import { memoryClient } from '../src/ipc/memory'
import { hashOf, routeOf, type Route } from '../src/state/route'
import { onlyDemo, tickedByDefault } from '../src/screens/welcome/found'

describe('answers', () => {
  it('gives the data of what went well', async () => {
    await expect(unwrap(Promise.resolve({ status: 'ok' as const, data: 7 }))).resolves.toBe(7)
    await expect(unwrap(Promise.resolve(true))).resolves.toBe(true)
  })
  it('throws what went wrong, with its code', async () => {
    const refused = Promise.resolve({ status: 'error' as const, error: { code: 'not_allowed', message: 'no' } })
    await expect(unwrap(refused)).rejects.toMatchObject({ code: 'not_allowed', message: 'no' })
  })
  it('calls what nobody named internal', () => {
    expect(asWireError(new Error('boom'))).toMatchObject({ code: 'internal', message: 'boom' })
    expect(asWireError({ code: 'locked', message: 'm' })).toBeInstanceOf(WireError)
  })
})

describe('the memory client', () => {
  it('goes from empty to an owner to locked and back', async () => {
    const client = memoryClient(new URLSearchParams('phase=empty&bare=1'))
    const heard: Session[] = []
    client.on('session', (session) => heard.push(session))
    expect((await client.session()).phase).toBe('empty')
    const sheet = await client.createOwner({ name: 'Anna', passphrase: 'six words', accept_weak: false })
    expect(sheet.identity).toMatch(/^AGE-SECRET-KEY-1/)
    await client.lock()
    await expect(client.unlock('Anna', 'wrong')).rejects.toMatchObject({ code: 'wrong_passphrase' })
    expect((await client.unlock('Anna', 'six words')).phase).toBe('open')
    expect(heard.map((session) => session.phase)).toEqual(['open', 'locked', 'open'])
  })
  it('lets view and takes back', async () => {
    const client = memoryClient(new URLSearchParams('phase=open'))
    const [clip] = await client.clips({ cameras: ['cam1'], events: [], from_us: 0, to_us: Number.MAX_SAFE_INTEGER, limit: 1 })
    if (!clip) throw new Error('no clip')
    const added = await client.addPerson({ name: 'Mia', passphrase: 'a very long passphrase', accept_weak: false, role: '', until_us: null })
    const terms = { rights: ['playback' as const], back_hours: null, hours: null, until_us: null, opens: null, second: null }
    const [grant] = await client.grant({ people: [added.face.id], scopes: [{ scope: 'clip', clip: clip.id }], terms, reason: 'r', template: null })
    if (!grant) throw new Error('no grant')
    expect((await client.clip(clip.id)).may_view.map((may) => may.face.name)).toContain('Mia')
    await client.takeBack(grant.id)
    expect((await client.clip(clip.id)).may_view.map((may) => may.face.name)).not.toContain('Mia')
  })
  it('keeps people to the owner', async () => {
    const client = memoryClient(new URLSearchParams('phase=member'))
    await expect(client.people()).rejects.toMatchObject({ code: 'not_allowed' })
  })
})

describe('routes', () => {
  it('survive the address', () => {
    const routes: Route[] = [
      { screen: 'live' },
      { screen: 'clip', id: '00ff' },
      { screen: 'clip', id: '00ff', atUs: 1500 },
      { screen: 'log', person: 'p1' },
      { screen: 'log', entry: 0 },
      { screen: 'settings' },
      { screen: 'camera', id: 'ab' },
      { screen: 'camera', id: 'ab', part: 'masks' },
    ]
    for (const route of routes) expect(routeOf(hashOf(route))).toEqual(route)
    expect(routeOf('')).toEqual({ screen: 'live' })
    expect(routeOf('#/clips/00ff')).toEqual({ screen: 'clip', id: '00ff' })
    expect(routeOf('#/nowhere')).toEqual({ screen: 'live' })
  })
})

describe('found cameras', () => {
  const camera = (key: string, part: object = {}) => ({
    key,
    name: key,
    maker_model: '',
    address: '',
    outside_range: false,
    known: false,
    demo: false,
    gone: false,
    new: false,
    ...part,
  })
  it('ticks one’s own, not the neighbour’s', () => {
    const [own, far, demo] = [camera('own'), camera('far', { outside_range: true }), camera('demo', { demo: true })]
    const all = [own, far, demo]
    expect(all.map((one) => tickedByDefault(one, all, false))).toEqual([true, false, false])
    expect(all.map((one) => tickedByDefault(one, all, true))).toEqual([false, false, true])
    expect(tickedByDefault(demo, [far, demo], false)).toBe(true)
  })
  it('knows when only demo cameras are ticked', () => {
    expect(onlyDemo([])).toBe(false)
    expect(onlyDemo([camera('demo', { demo: true })])).toBe(true)
    expect(onlyDemo([camera('demo', { demo: true }), camera('own')])).toBe(false)
  })
})
