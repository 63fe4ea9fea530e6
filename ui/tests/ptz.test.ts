import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PtzAbilities, PtzVector } from '../src/ipc/client'
import { NOTCH_MS, PtzDrive, REPEAT_MS, speedAt, speedOf, within } from '../src/state/ptz.svelte'
import { Talk, TALK_MS } from '../src/state/talk.svelte'

const ALL: PtzAbilities = {
  can_pan_tilt: true,
  can_zoom: true,
  can_move_by: false,
  can_move_to: false,
  presets_most: 0,
  has_home: false,
  is_home_fixed: null,
  auxiliary_commands: [],
}
const RIGHT: PtzVector = { pan: 1, tilt: 0, zoom: 0 }

function recorded(answer: () => Promise<null> = async () => null, stop: () => Promise<null> = async () => null) {
  const sent: (PtzVector | 'stop')[] = []
  const client = {
    ptzMove: (_: string, speed: PtzVector) => {
      sent.push(speed)
      return answer()
    },
    ptzStop: () => {
      sent.push('stop')
      return stop()
    },
  }
  return { sent, client }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('speed', () => {
  it('grows from the middle of the picture to its edge, up being up', () => {
    const rect = { x: 100, y: 100, width: 400, height: 200 }
    expect(speedAt(300, 200, rect)).toEqual({ pan: 0, tilt: 0, zoom: 0 })
    expect(speedAt(500, 200, rect)).toEqual({ pan: 1, tilt: 0, zoom: 0 })
    expect(speedAt(300, 100, rect)).toEqual({ pan: 0, tilt: 1, zoom: 0 })
    const half = speedAt(200, 250, rect)
    expect(half.pan).toBeLessThan(0)
    expect(half.pan).toBeGreaterThan(-0.5)
    expect(half.tilt).toBeLessThan(0)
    expect(speedAt(9000, 200, rect).pan).toBe(1)
  })
  it('of opposite keys is nothing, of two arrows a diagonal', () => {
    expect(speedOf(['ArrowLeft', 'ArrowRight'], true)).toEqual({ pan: 0, tilt: 0, zoom: 0 })
    expect(speedOf(['ArrowLeft', 'ArrowUp'], true)).toEqual({ pan: -1, tilt: 1, zoom: 0 })
  })
  it('leaves out what the motors cannot do', () => {
    expect(within({ pan: 1, tilt: 1, zoom: 1 }, { ...ALL, can_pan_tilt: false })).toEqual({ pan: 0, tilt: 0, zoom: 1 })
  })
})

describe('turning', () => {
  it('is repeated while held and stopped once on release', async () => {
    const { sent, client } = recorded()
    const drive = new PtzDrive(client, 'c', ALL)
    drive.hold(RIGHT)
    await vi.advanceTimersByTimeAsync(REPEAT_MS * 2 + 10)
    expect(sent).toEqual([RIGHT, RIGHT, RIGHT])
    drive.release()
    drive.release()
    await vi.advanceTimersByTimeAsync(5000)
    expect(sent).toEqual([RIGHT, RIGHT, RIGHT, 'stop'])
    expect(drive.stopFailed).toBe(false)
  })
  it('never queues moves for a slow camera: the newest speed goes next', async () => {
    const answers: (() => void)[] = []
    const { sent, client } = recorded(() => new Promise((resolve) => answers.push(() => resolve(null))))
    const drive = new PtzDrive(client, 'c', ALL)
    drive.hold(RIGHT)
    drive.hold({ pan: 0.2, tilt: 0, zoom: 0 })
    drive.hold({ pan: 0.7, tilt: 0, zoom: 0 })
    expect(sent).toHaveLength(1)
    answers[0]?.()
    await vi.advanceTimersByTimeAsync(0)
    expect(sent).toEqual([RIGHT, { pan: 0.7, tilt: 0, zoom: 0 }])
  })
  it('sends no move after a stop, though one is still unanswered', async () => {
    const answers: (() => void)[] = []
    const { sent, client } = recorded(() => new Promise((resolve) => answers.push(() => resolve(null))))
    const drive = new PtzDrive(client, 'c', ALL)
    drive.hold(RIGHT)
    drive.release()
    answers[0]?.()
    await vi.advanceTimersByTimeAsync(5000)
    expect(sent).toEqual([RIGHT, 'stop'])
  })
  it('tries a stop again that failed, and says so when none is confirmed', async () => {
    const { sent, client } = recorded(undefined, () => Promise.reject(new Error('no answer')))
    const drive = new PtzDrive(client, 'c', ALL)
    drive.hold(RIGHT)
    drive.end()
    await vi.advanceTimersByTimeAsync(5000)
    expect(sent.filter((one) => one === 'stop')).toHaveLength(3)
    expect(drive.stopFailed).toBe(true)
  })
  it('ends when the camera refuses', async () => {
    const { sent, client } = recorded(() => Promise.reject(new Error('refused')))
    const drive = new PtzDrive(client, 'c', ALL)
    drive.hold(RIGHT)
    await vi.advanceTimersByTimeAsync(5000)
    expect(sent).toEqual([RIGHT, 'stop'])
    expect(drive.error).toBeInstanceOf(Error)
  })
  it('follows keys until the last is up', async () => {
    const { sent, client } = recorded()
    const drive = new PtzDrive(client, 'c', ALL)
    expect(drive.keyDown('ArrowLeft', false)).toBe(true)
    expect(drive.keyDown('x', false)).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    drive.keyDown('ArrowUp', false)
    await vi.advanceTimersByTimeAsync(1)
    drive.keyUp('ArrowLeft')
    await vi.advanceTimersByTimeAsync(1)
    expect(sent.at(-1)).toEqual({ pan: 0, tilt: 0.5, zoom: 0 })
    drive.keyUp('ArrowUp')
    await vi.advanceTimersByTimeAsync(1)
    expect(sent.at(-1)).toBe('stop')
  })
  it('zooms for a moment at a notch of the wheel', async () => {
    const { sent, client } = recorded()
    const drive = new PtzDrive(client, 'c', ALL)
    drive.wheel(-100)
    await vi.advanceTimersByTimeAsync(NOTCH_MS + 10)
    expect(sent).toEqual([{ pan: 0, tilt: 0, zoom: 0.6 }, 'stop'])
  })
})

describe('talking', () => {
  it('closes the microphone on release, also while it is still opening', async () => {
    const said: boolean[] = []
    const talk = new Talk({ talk: async (_, on) => (said.push(on), null) }, 'c')
    const opening = talk.press()
    talk.release()
    await opening
    expect(said).toEqual([true, false])
    expect(talk.state).toBe('off')
  })
  it('closes it after a minute', async () => {
    const said: boolean[] = []
    const talk = new Talk({ talk: async (_, on) => (said.push(on), null) }, 'c')
    await talk.press()
    expect(talk.state).toBe('on')
    await vi.advanceTimersByTimeAsync(TALK_MS)
    expect(said).toEqual([true, false])
  })
  it('takes what comes of an earlier press for nothing, and closes what the newest opened', async () => {
    const said: boolean[] = []
    const answers: { resolve: (value: null) => void; reject: (why: unknown) => void }[] = []
    const client = {
      talk: (_: string, on: boolean) => {
        said.push(on)
        return on ? new Promise<null>((resolve, reject) => answers.push({ resolve, reject })) : Promise.resolve(null)
      },
    }
    const talk = new Talk(client, 'c')
    const first = talk.press()
    talk.release()
    const second = talk.press()
    answers[0]?.reject({ code: 'invalid', message: 'let go' })
    await first
    expect(talk.state).toBe('opening')
    expect(talk.error).toBeNull()
    answers[1]?.resolve(null)
    await second
    expect(talk.state).toBe('on')
    talk.release()
    expect(said).toEqual([true, false, true, false])
    expect(talk.state).toBe('off')
  })
  it('says nothing of a refusal that comes after the release', async () => {
    let refuse: (why: unknown) => void = () => {}
    const client = {
      talk: (_: string, on: boolean) =>
        on ? new Promise<null>((_resolve, reject) => (refuse = reject)) : Promise.resolve(null),
    }
    const talk = new Talk(client, 'c')
    const opening = talk.press()
    talk.release()
    refuse({ code: 'invalid', message: 'let go' })
    await opening
    expect(talk.error).toBeNull()
    expect(talk.state).toBe('off')
  })
  it('says why the camera refuses', async () => {
    const talk = new Talk({ talk: () => Promise.reject({ code: 'camera_unsuitable', message: '551' }) }, 'c')
    await talk.press()
    expect(talk.state).toBe('off')
    expect(talk.error).toMatchObject({ code: 'camera_unsuitable' })
  })
})
