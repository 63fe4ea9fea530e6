// The house of the memory client: cameras, people, clips and a log, all computed from one moment.

import type * as wire from '../bindings'

/** Microseconds in a minute. */
export const MINUTE = 60_000_000

/** What the memory client knows. */
export interface House {
  startUs: number
  cameras: wire.CameraView[]
  people: wire.PersonView[]
}

const found = (key: string, name: string, maker_model: string, address: string, demo = false): wire.FoundCamera => ({
  key,
  name,
  maker_model,
  address,
  outside_range: address.startsWith('198.'),
  known: false,
  demo,
  gone: key === 'f3',
  new: key === 'f2',
})

/** Cameras that answer a search. */
export const FOUND = [
  found('f1', 'Front door', 'Axis P3245-LV', '192.0.2.31'),
  found('f2', 'Garage', 'Reolink RLC-810A', '192.0.2.32'),
  found('f3', 'Shop counter', 'Hikvision DS-2CD2143', '192.0.2.40'),
  found('f4', 'Unknown', '', '198.51.100.7'),
]

/** Cameras of the demo. */
export const DEMO = [
  found('d1', 'Front door', 'Hausrecht Simulated', '127.0.0.1:8101', true),
  found('d2', 'Garage', 'Hausrecht Simulated', '127.0.0.1:8102', true),
  found('d3', 'Yard', 'Hausrecht Simulated', '127.0.0.1:8103', true),
]

/** A house with six cameras and three people; a bare one has its owner only. */
export function house(nowUs: number, bare: boolean): House {
  const face = (id: string, name: string, color: number): wire.Face => ({ id, name, owner: color === 0, color })
  const [anna, lena, jonas, sofia, guest] = [face('a1', 'Anna', 0), face('b2', 'Lena', 1), face('c3', 'Jonas', 2), face('d4', 'Sofia', 3), face('e5', 'Guest', 4)]
  const names = ['Front door', 'Garage', 'Shop counter', 'Yard', 'Stock room', 'Back door']
  const viewers = [[anna, lena], [anna], [anna, jonas], [anna, lena], [anna, jonas], [anna]]
  const cameras = names.map((name, i) => ({
    id: `cam${i}`,
    name,
    maker_model: 'Axis P3245-LV',
    firmware: '11.2',
    address: `192.0.2.${31 + i}`,
    demo: i === 4,
    away: i === 4,
    recording: i !== 5,
    viewers: viewers[i] ?? [anna],
    rights: ['live', 'playback', 'ptz', 'talk', 'snapshot', 'copy'] as wire.Right[],
  }))
  const plain: wire.Terms = { rights: ['live', 'playback'], back_hours: null, hours: null, until_us: null, opens: null, second: null }
  const grant = (id: string, person: wire.Face, camera: number, terms: Partial<wire.Terms>, until_us: number | null = null): wire.GrantView => ({
    id,
    person: person.id,
    scope: { scope: 'camera', camera: `cam${camera}` },
    camera: `cam${camera}`,
    camera_name: names[camera] ?? '',
    clip_start_us: null,
    terms: { ...plain, ...terms, until_us },
    second_name: terms.second === undefined ? '' : 'Sofia',
    in_hours: true,
    opened: 0,
    pending: false,
    given_us: nowUs - 5 * 60 * MINUTE,
    until_us,
    reason: 'Looks after the house',
    entry: 18_211,
  })
  const week = nowUs + 8 * 24 * 60 * MINUTE
  const family: Partial<wire.Terms> = { rights: ['live', 'playback'], back_hours: 72 }
  const staff: Partial<wire.Terms> = { back_hours: 24, second: 'd4', hours: { days: [true, true, true, true, true, true, false], from_min: 480, to_min: 1200 } }
  const council: Partial<wire.Terms> = { rights: ['playback'], back_hours: 72 }
  const person = (face: wire.Face, role: string, daysAgo: number, grants: wire.GrantView[], until_us: number | null = null): wire.PersonView => ({
    face,
    role,
    added_us: nowUs - daysAgo * 24 * 60 * MINUTE,
    until_us,
    language: null,
    grants,
    last_opened_us: daysAgo > 20 ? nowUs - 60 * MINUTE : null,
  })
  const owner: wire.PersonView = { face: anna, role: '', until_us: null, language: null, added_us: nowUs - 60 * 24 * 60 * MINUTE, grants: [], last_opened_us: nowUs }
  if (bare) return { startUs: nowUs, cameras: [], people: [owner] }
  return {
    startUs: nowUs,
    cameras,
    people: [
      owner,
      person(lena, 'Family', 30, [
        grant('g1', lena, 0, { ...family, rights: ['live', 'playback', 'copy'] }),
        grant('g2', lena, 3, family),
        grant('g4', lena, 5, family),
      ]),
      person(jonas, 'Shop staff', 9, [grant('g3', jonas, 2, staff, week), grant('g5', jonas, 4, staff, week)]),
      person(sofia, 'Works council', 9, [grant('g6', sofia, 2, council), grant('g7', sofia, 4, council)]),
      person(guest, 'House sitter', 1, [grant('g8', guest, 0, { rights: ['live'] }), grant('g9', guest, 3, { rights: ['live'] })], week),
    ],
  }
}

/** Clips of the last hours, newest first: one a minute and camera. */
export function clipsOf(home: House, nowUs: number): wire.ClipView[] {
  const kinds: wire.EventKind[][] = [[], [], ['motion'], [], ['person', 'doorbell'], [], ['package'], ['vehicle'], [], ['line', 'sound']]
  const clips: wire.ClipView[] = []
  for (let back = 1; back <= 90; back += 1) {
    home.cameras.forEach((camera, i) => {
      const start_us = Math.floor(nowUs / MINUTE) * MINUTE - back * MINUTE - i * 2_000_000
      if (i === 5 && back < 40) return
      clips.push({
        id: `${i}-${start_us / MINUTE}`.replace('.', '_'),
        camera: camera.id,
        camera_name: camera.name,
        start_us,
        duration_us: 60_000_000,
        size_bytes: 6_200_000 + i * 410_000,
        events: kinds[(back + i * 3) % kinds.length] ?? [],
        cut_short: back === 40 && i === 5,
        from_card: back === 12 && i === 0,
        imported: false,
        has_thumbnail: true,
        opened: back === 1 ? 2 : 0,
      })
    })
  }
  return clips
}

/** An entry of the log, computed from its number. */
export function logRow(home: House, index: number, size: number): wire.LogRow {
  const at_us = home.startUs - (size - index) * 37_000_000
  const camera = home.cameras[index % Math.max(1, home.cameras.length)] ?? null
  const [anna, lena] = [home.people[0]!.face, home.people[1]?.face ?? home.people[0]!.face]
  const row: wire.LogRow = {
    index,
    at_us,
    kind: 'recorded',
    actor: null,
    camera: camera?.id ?? null,
    camera_name: camera?.name ?? null,
    clip: 'x',
    clip_start_us: at_us - MINUTE,
    person: null,
    refers_to: null,
    facts: [],
  }
  const fact = (name: string, value: string, personal = false): wire.Fact => ({ name, value, personal })
  switch (index % 13) {
    case 1:
      return { ...row, kind: 'opened', actor: lena, refers_to: index - 5 }
    case 3:
      return { ...row, kind: 'erased', camera: null, camera_name: null, clip: null, clip_start_us: null, facts: [fact('clips', '12'), fact('kept_hours', '72')] }
    case 5:
      return { ...row, kind: 'event', clip: null, clip_start_us: null, facts: [fact('event', 'doorbell'), fact('topic', 'tns1:Device/Trigger')] }
    case 6:
      return { ...row, kind: 'opened', actor: anna }
    case 8:
      return { ...row, kind: 'grant', actor: anna, person: lena, facts: [fact('scope', 'clip'), fact('reason', 'Looks after the house', true)] }
    case 10:
      return { ...row, kind: 'camera_lost', clip: null, clip_start_us: null, facts: [fact('reason', 'stream_refused')] }
    case 12:
      return { ...row, kind: 'unlocked', actor: anna, camera: null, camera_name: null, clip: null, clip_start_us: null }
    default:
      return { ...row, facts: [fact('duration_us', '60000000'), fact('events', 'motion')] }
  }
}
