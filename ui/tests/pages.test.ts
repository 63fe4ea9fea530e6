import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogPage, LogQuery, LogRow } from '../src/ipc/client'
import { BLOCK, KEPT, LogPages, PAUSE_MS } from '../src/screens/log/pages.svelte'

const entry = (index: number): LogRow => ({
  index,
  at_us: index,
  kind: 'recorded',
  actor: null,
  camera: null,
  camera_name: null,
  clip: null,
  clip_start_us: null,
  person: null,
  refers_to: null,
  facts: [],
})

/** A log that answers when told to. */
function log(size: number) {
  const it = { size, asked: [] as LogQuery[], answer: [] as (() => Promise<void>)[] }
  const client = {
    logPage: (query: LogQuery) => {
      it.asked.push(query)
      return new Promise<LogPage>((resolve) => {
        it.answer.push(async () => {
          const count = Math.max(0, Math.min(query.limit, it.size - query.offset))
          resolve({ size: it.size, matching: it.size, rows: Array.from({ length: count }, (_, i) => entry(it.size - 1 - query.offset - i)) })
          await vi.advanceTimersByTimeAsync(0)
        })
      })
    },
  }
  return { it, client }
}
/** Answers all that is asked, also what is asked because of the answers. */
async function answerAll(it: ReturnType<typeof log>['it']) {
  for (let next = it.answer.shift(); next; next = it.answer.shift()) await next()
}
const ALL = { kinds: [], camera: null, person: null }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('pages of the log', () => {
  it('have one question under way while the bar is dragged, then ask for what is in view', async () => {
    const { it: server, client } = log(100_000)
    const pages = new LogPages(client)
    pages.filter(ALL)
    await answerAll(server)
    server.asked = []
    for (let to = 0; to < 50; to += 1) pages.view(to * 1000, 20)
    expect(server.asked).toEqual([])
    await vi.advanceTimersByTimeAsync(PAUSE_MS)
    expect(server.asked.map((query) => query.offset)).toEqual([49_000])
    for (let to = 0; to < 50; to += 1) {
      pages.view(to * 500, 20)
      await vi.advanceTimersByTimeAsync(PAUSE_MS)
    }
    expect(server.asked.length).toBe(1)
    await answerAll(server)
    expect(server.asked.map((query) => query.offset)).toEqual([49_000, 24_500])
    expect(pages.row(24_505)?.index).toBe(100_000 - 1 - 24_505)
    pages.end()
  })
  it('answers what is in view however fast the log grows', async () => {
    const { it: server, client } = log(1000)
    const pages = new LogPages(client)
    pages.filter(ALL)
    await answerAll(server)
    server.asked = []
    for (let i = 0; i < 20; i += 1) {
      server.size += 1
      pages.refresh()
    }
    expect(server.asked.length).toBe(1)
    await answerAll(server)
    // Once more for all that came meanwhile, not once for each.
    expect(server.asked.length).toBe(2)
    expect(pages.matching).toBe(1020)
    expect(pages.row(0)?.index).toBe(1019)
    pages.end()
  })
  it('keep each row at its entry while the log grows above', async () => {
    const { it: server, client } = log(5000)
    const pages = new LogPages(client)
    pages.filter(ALL)
    await answerAll(server)
    pages.view(2000, 20)
    await vi.advanceTimersByTimeAsync(PAUSE_MS)
    await answerAll(server)
    const read = pages.row(2010)
    expect(read?.index).toBe(2989)
    server.asked = []
    server.size += 7
    pages.refresh()
    await answerAll(server)
    expect(pages.row(2017)).toBe(read)
    expect(server.asked[0]).toMatchObject({ offset: 0, limit: 1 })
    pages.end()
  })
  it('begin another filter at its newest, and drop answers to the one before', async () => {
    const { it: server, client } = log(5000)
    const pages = new LogPages(client)
    pages.filter(ALL)
    await answerAll(server)
    pages.view(2000, 20)
    await vi.advanceTimersByTimeAsync(PAUSE_MS)
    pages.filter({ ...ALL, kinds: ['opened'] })
    await answerAll(server)
    expect(server.asked.at(-1)).toMatchObject({ kinds: ['opened'], offset: 0, limit: BLOCK })
    expect(pages.row(0)?.index).toBe(4999)
    expect(pages.row(2000)).toBeNull()
    pages.end()
  })
  it('does not ask without end for what is not given', async () => {
    const asked: number[] = []
    const pages = new LogPages({
      logPage: async (query) => {
        asked.push(query.offset)
        return { size: 500, matching: 500, rows: query.offset === 0 ? Array.from({ length: query.limit }, (_, i) => entry(499 - i)) : [] }
      },
    })
    pages.filter(ALL)
    await vi.advanceTimersByTimeAsync(0)
    pages.view(200, 20)
    await vi.advanceTimersByTimeAsync(PAUSE_MS)
    expect(asked).toEqual([0, 200])
    pages.end()
  })
  it('keeps no more rows than it should', async () => {
    const { it: server, client } = log(50_000)
    const pages = new LogPages(client)
    pages.filter(ALL)
    await answerAll(server)
    for (let at = 0; at < 2 * KEPT; at += BLOCK) {
      pages.view(at, BLOCK)
      await vi.advanceTimersByTimeAsync(PAUSE_MS)
      await answerAll(server)
    }
    expect(pages.row(0)).toBeNull()
    expect(pages.row(2 * KEPT - 1)).not.toBeNull()
    pages.end()
  })
  it('says what went wrong and asks again when told to', async () => {
    let broken = true
    const pages = new LogPages({
      logPage: async () => {
        if (broken) throw { code: 'locked', message: 'm' }
        return { size: 1, matching: 1, rows: [entry(0)] }
      },
    })
    pages.filter(ALL)
    await vi.advanceTimersByTimeAsync(0)
    expect(pages.error?.code).toBe('locked')
    broken = false
    pages.refresh()
    await vi.advanceTimersByTimeAsync(0)
    expect(pages.error).toBeNull()
    expect(pages.row(0)?.index).toBe(0)
    pages.end()
  })
})
