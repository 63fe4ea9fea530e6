import { beforeEach, describe, expect, it } from 'vitest'
import en from '../messages/en.json'
import de from '../messages/de.json'
import { overwriteGetLocale } from '../src/i18n/generated/runtime.js'
import { errorSentence, fingerprint } from '../src/i18n/words'
import type { LogRow } from '../src/ipc/bindings'
import { FILTERS, findingSentence, ground, sentence } from '../src/screens/log/wording'

const nowUs = new Date('2026-11-22T15:00:00').getTime() * 1000
const row: LogRow = {
  index: 5,
  at_us: nowUs,
  kind: 'opened',
  actor: null,
  camera: 'c1',
  camera_name: 'Front door',
  clip: 'x',
  clip_start_us: new Date('2026-11-22T14:37:02').getTime() * 1000,
  person: null,
  refers_to: null,
  facts: [],
}
const KINDS =
  'camera_added camera_changed camera_removed camera_lost camera_back recorded cut_short event unlocked locked unlock_refused person_added grant grant_taken_back previewed opened card_opened card_fetch_begun card_fetch_ended import_begun import_ended file_watched copy_made disclosed witnessed backed_up succeeded sheet_tested erased setting_changed clock_step started stopped crashed log_exported verified error'.split(
    ' ',
  )

beforeEach(() => overwriteGetLocale(() => 'en'))

describe('entries as sentences', () => {
  it('words each kind in both languages', () => {
    for (const language of ['en', 'de'] as const) {
      overwriteGetLocale(() => language)
      for (const kind of KINDS) expect(sentence({ ...row, kind }, nowUs), kind).not.toBe(kind)
    }
  })
  it('shows a kind it does not know as it is', () => {
    expect(sentence({ ...row, kind: 'teleported' }, nowUs)).toBe('teleported')
  })
  it('names clip and ground', () => {
    expect(sentence(row, nowUs)).toBe('Opened: Front door 14:37')
    const lena = { id: 'b', name: 'Lena', owner: false, color: 1 }
    expect(ground({ ...row, actor: lena, refers_to: 3 }, nowUs, String)).toBe('Grant 3')
    const erased = { ...row, kind: 'erased', facts: [{ name: 'clips', value: '12', personal: false }, { name: 'kept_hours', value: '72', personal: false }] }
    expect(sentence(erased, nowUs)).toBe('12 clips erased')
    expect(ground(erased, nowUs, String)).toBe('Kept for 72 h, time is up')
  })
})

describe('messages', () => {
  it('exist in both languages', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort())
  })
  it('say something for each error', () => {
    for (const code of ['wrong_passphrase', 'no_microphone', 'clip_missing', 'log_unwritable', 'internal'] as const) {
      expect(errorSentence(code).length).toBeGreaterThan(40)
    }
  })
})

describe('orders to a camera', () => {
  const WHAT =
    'account_password account_deleted account_made account_in_use relay streams certificate_accepted reboot clock imaging encoder osd osd_deleted mask mask_deleted ptz_move ptz_preset ptz_home preset_saved preset_removed home_saved talk talk_ended failed'.split(
      ' ',
    )
  const changed = (facts: [string, string][]): LogRow => ({
    ...row,
    kind: 'camera_changed',
    clip: null,
    clip_start_us: null,
    facts: facts.map(([name, value]) => ({ name, value, personal: false })),
  })
  it('have each a sentence of their own', () => {
    const said = new Set(WHAT.map((what) => sentence(changed([['what', what]]), nowUs)))
    expect(said.size).toBe(WHAT.length)
    expect(said).not.toContain('Camera changed: Front door')
  })
  it('are not taken for a new name, though a certificate has a from and a to', () => {
    const accepted = changed([['what', 'certificate_accepted'], ['from', 'AA'], ['to', 'BB']])
    expect(sentence(accepted, nowUs)).toBe('New certificate trusted: Front door')
    expect(sentence(changed([['from', 'Old'], ['name', 'New']]), nowUs)).toContain('Old')
  })
  it('tell a relay that was switched on from one switched off', () => {
    expect(sentence(changed([['what', 'relay'], ['token', '1'], ['on', 'false']]), nowUs)).toContain('off')
  })
  it('tell how long somebody talked', () => {
    expect(ground(changed([['what', 'talk_ended'], ['seconds', '12']]), nowUs, String)).toBe('12 s')
  })
  it('of a later version are shown plainly', () => {
    expect(sentence(changed([['what', 'washed']]), nowUs)).toBe('Camera changed: Front door')
  })
})

describe('the card of a camera', () => {
  const at = (text: string) => String(new Date(text).getTime() * 1000)
  const entry = (kind: string, facts: [string, string][]): LogRow => ({
    ...row,
    kind,
    clip: null,
    clip_start_us: null,
    facts: [['from_us', at('2026-11-22T14:00:00')], ['to_us', at('2026-11-22T14:10:00')], ...facts].map(([name, value]) => ({ name: name!, value: value!, personal: false })),
  })
  it('is watched and fetched from, and the log says how that ended and why it was', () => {
    expect(sentence(entry('card_opened', []), nowUs)).toBe('Watched from the card: Front door')
    const ended = entry('card_fetch_ended', [['outcome', 'done'], ['reason', 'gap'], ['clips', '1']])
    expect(sentence(ended, nowUs)).toBe('Fetched from the card: Front door')
    expect(ground(ended, nowUs, String)).toBe('Today 14:00 – 14:10 · Gap after an outage · 1 clip')
    const words = ['done', 'stopped', 'interrupted', 'failed'].map((outcome) => sentence(entry('card_fetch_ended', [['outcome', outcome]]), nowUs))
    expect(new Set(words).size).toBe(4)
    expect(sentence({ ...row, kind: 'recorded', facts: [{ name: 'from_card', value: 'true', personal: false }] }, nowUs)).toBe('From the card: Front door 14:37')
  })
})

describe('settings', () => {
  const set = (facts: [string, string][]): LogRow => ({
    ...row,
    kind: 'setting_changed',
    clip: null,
    clip_start_us: null,
    facts: facts.map(([name, value]) => ({ name, value, personal: false })),
  })
  it('of motion say when, how finely and where it is measured', () => {
    const motion = set([['setting', 'motion'], ['to', 'on'], ['sensitivity', '7'], ['zones', '2']])
    expect(sentence(motion, nowUs)).toBe('Motion settings changed: Front door')
    expect(ground(motion, nowUs, String)).toBe('Always · Sensitivity 7 · 2 zones')
    const whole = set([['setting', 'motion'], ['to', 'auto'], ['sensitivity', '5'], ['zones', '0']])
    expect(ground(whole, nowUs, String)).toBe('Where needed · Sensitivity 5 · In the whole picture')
  })
  it('of a topic say what it means from then on', () => {
    const topic = (to: string) => sentence(set([['setting', 'topic'], ['topic', 'Device/Bark'], ['to', to]]), nowUs)
    expect(topic('sound')).toBe('Event Device/Bark now means: Sound')
    expect(topic('unknown')).toBe('Event is no longer kept: Device/Bark')
    expect(topic('forgotten')).toBe('Meaning of an event forgotten: Device/Bark')
  })
  it('of gaps say whether they are filled', () => {
    const filled = (to: string) => sentence(set([['setting', 'fill_gaps'], ['to', to]]), nowUs)
    expect(filled('on')).toBe('Gap filling switched on: Front door')
    expect(filled('off')).toBe('Gap filling switched off: Front door')
  })
  it('tell notifications switched off from others', () => {
    expect(sentence(set([['setting', 'notifications'], ['to', 'off']]), nowUs)).toBe('Notifications switched off')
    expect(sentence(set([['setting', 'notifications'], ['to', 'on']]), nowUs)).toBe('Notifications changed')
  })
})

describe('fingerprints', () => {
  it('stand in groups of four, whatever the engine puts between', () => {
    expect(fingerprint('aa:bb:cc:dd:0e')).toBe('AABB CCDD 0E')
    expect(fingerprint('AABB CCDD')).toBe('AABB CCDD')
  })
})

describe('findings', () => {
  const CODES = 'entry_missing entry_changed tree signature order cut checkpoint other clip_changed clip_missing clip_unreadable failed'.split(' ')
  it('has a sentence of its own for each that the engine names, in both languages', () => {
    for (const language of ['en', 'de'] as const) {
      overwriteGetLocale(() => language)
      const sentences = CODES.map((code) => findingSentence(code, 'particulars'))
      expect(sentences).not.toContain('particulars')
      expect(new Set(sentences).size).toBe(CODES.length)
    }
  })
  it('shows the particulars of one that it does not know', () => {
    expect(findingSentence('moon', 'the moon is full')).toBe('the moon is full')
    expect(findingSentence('moon', '')).not.toBe('')
  })
})

describe('what the engine names', () => {
  const order = (what: string, facts: [string, string][] = []): LogRow => ({
    ...row,
    kind: 'camera_changed',
    clip: null,
    clip_start_us: null,
    facts: [['what', what], ...facts].map(([name = '', value = '']) => ({ name, value, personal: false })),
  })
  const setting = (name: string, from: string, to: string): LogRow => ({
    ...row,
    kind: 'setting_changed',
    facts: [
      { name: 'setting', value: name, personal: false },
      { name: 'from', value: from, personal: false },
      { name: 'to', value: to, personal: false },
    ],
  })
  it('is not shown raw', () => {
    for (const language of ['en', 'de'] as const) {
      overwriteGetLocale(() => language)
      for (const what of ['sign_in_taken_over', 'sign_in_stayed', 'certificate_remembered', 'failed', 'unanswered']) {
        expect(sentence(order(what), nowUs), what).not.toContain('_')
        expect(sentence(order(what), nowUs)).not.toBe(sentence(order('nothing'), nowUs))
      }
      for (const why of ['camera_timed_out', 'camera_not_authorized', 'camera_kept_the_old_one', 'talk_failed']) {
        expect(ground(order('failed', [['why', why]]), nowUs, String)).not.toContain('_')
      }
    }
  })
  it('is worded as in the settings', () => {
    overwriteGetLocale(() => 'de')
    expect(sentence(setting('theme', 'dark', 'light'), nowUs)).toBe('Einstellung geändert: Farben: Dunkel → Hell')
    expect(sentence(setting('language', 'system', 'en'), nowUs)).toContain('Wie der Desktop → English')
    expect(sentence(setting('kept_hours', '72', '96'), nowUs)).toContain('72 → 96')
  })
  it('does not take a new address for a new name', () => {
    const moved: LogRow = { ...order('', [['address', '192.0.2.9'], ['from', '192.0.2.8']]), facts: [{ name: 'address', value: '192.0.2.9', personal: false }, { name: 'from', value: '192.0.2.8', personal: false }] }
    expect(sentence(moved, nowUs)).toContain('192.0.2.9')
    expect(sentence(moved, nowUs)).not.toContain('192.0.2.8')
  })
  it('has numbers in the signs of the language', () => {
    const step: LogRow = { ...row, kind: 'clock_step', facts: [{ name: 'step_us', value: '1500000', personal: false }] }
    expect(sentence(step, nowUs)).toContain('1.5 s')
    overwriteGetLocale(() => 'de')
    expect(sentence(step, nowUs)).toContain('1,5 s')
  })
  it('names a day within a sentence in small letters', () => {
    overwriteGetLocale(() => 'de')
    const yesterday = { ...row, clip_start_us: nowUs - 24 * 3_600_000_000 }
    expect(sentence(yesterday, nowUs)).toBe('Geöffnet: Front door gestern 15:00')
  })
})

describe('filters of the log', () => {
  it('reach every kind but what is recorded and reported all the time', () => {
    const reached = new Set<string>(Object.values(FILTERS).flat())
    expect(KINDS.filter((kind) => !reached.has(kind))).toEqual(['recorded', 'event'])
  })
})
