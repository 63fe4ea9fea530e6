// Every key of the window, as data: what the list of keys shows. Whoever adds a key to a screen adds it here.

import { m } from '../i18n/generated/messages.js'
import type { Route } from './route'

/** Where a key works: everywhere, or on one screen. */
export type KeyPlace = 'everywhere' | 'arrange' | Route['screen']

/** A key, or several that do the same. */
export interface KeyLine {
  place: KeyPlace
  /** Names of keys as they stand on the keyboard; a chord is joined by `+`. */
  keys: () => string[]
  what: () => string
  /** Only for the owner. */
  owner?: boolean
}

const arrows = () => ['←', '→', '↑', '↓']
const ctrl = (key: string) => () => [`${m.key_ctrl()}+${key}`]

/** All keys, in the order of the list. */
export const KEYS: KeyLine[] = [
  { place: 'everywhere', keys: () => ['Alt+1 … 5'], what: m.key_screens },
  { place: 'everywhere', keys: () => ['F11', 'F'], what: m.key_full },
  { place: 'everywhere', keys: () => [`${m.key_ctrl()}++`, `${m.key_ctrl()}+−`], what: m.key_size },
  { place: 'everywhere', keys: ctrl('0'), what: m.key_size_usual },
  { place: 'everywhere', keys: () => ['/'], what: m.key_search },
  { place: 'everywhere', keys: () => ['L'], what: m.key_lock },
  { place: 'everywhere', keys: () => ['?'], what: m.key_this },
  { place: 'live', keys: () => ['1 … 9'], what: m.key_choose },
  { place: 'live', keys: arrows, what: m.key_move },
  { place: 'live', keys: () => [m.key_enter()], what: m.key_enlarge },
  { place: 'live', keys: () => ['Esc'], what: m.key_back },
  { place: 'live', keys: () => ['Z', `${m.key_shift()}+Z`], what: m.key_zoom },
  { place: 'live', keys: () => arrows().map((arrow) => `${m.key_ctrl()}+${arrow}`), what: m.key_pan },
  { place: 'live', keys: () => ['0'], what: m.key_whole },
  { place: 'live', keys: () => [m.key_page_up(), m.key_page_down()], what: m.key_walls },
  { place: 'live', keys: () => ['P'], what: m.key_patrol },
  { place: 'live', keys: () => ['E'], what: m.key_arrange },
  { place: 'live', keys: () => ['I'], what: m.key_details },
  { place: 'live', keys: () => ['S', `${m.key_shift()}+S`], what: m.key_snapshot, owner: true },
  { place: 'live', keys: () => ['W'], what: m.key_small },
  { place: 'live', keys: () => ['N'], what: m.key_second },
  { place: 'live', keys: () => ['C'], what: m.key_camera, owner: true },
  { place: 'live', keys: arrows, what: m.key_turn, owner: true },
  { place: 'live', keys: () => ['+', '−'], what: m.key_motor_zoom, owner: true },
  { place: 'live', keys: () => [m.key_home()], what: m.key_home_place, owner: true },
  { place: 'live', keys: () => [m.key_space()], what: m.key_stop, owner: true },
  { place: 'arrange', keys: arrows, what: m.key_arrange_move },
  { place: 'arrange', keys: () => arrows().map((arrow) => `${m.key_shift()}+${arrow}`), what: m.key_arrange_size },
  { place: 'arrange', keys: () => [m.key_delete()], what: m.key_arrange_remove },
  { place: 'arrange', keys: () => ['Esc'], what: m.key_arrange_end },
  { place: 'clips', keys: () => ['N', 'P'], what: m.key_events },
  { place: 'clips', keys: () => ['+', '−'], what: m.key_tl_zoom },
  { place: 'clips', keys: () => ['0'], what: m.key_tl_day },
  { place: 'clips', keys: () => ['B'], what: m.key_bookmark },
  { place: 'clips', keys: () => ['←', '→'], what: m.key_tl_move },
  { place: 'clips', keys: () => ['↑', '↓'], what: m.key_tl_lane },
  { place: 'clips', keys: () => [m.key_enter()], what: m.key_tl_open },
  { place: 'clip', keys: () => [m.key_space()], what: m.key_play },
  { place: 'clip', keys: () => ['←', '→'], what: m.key_step },
  { place: 'clip', keys: () => [`${m.key_shift()}+←`, `${m.key_shift()}+→`], what: m.key_jump },
  { place: 'clip', keys: () => ['+', '−'], what: m.key_speed },
  { place: 'clip', keys: () => ['R'], what: m.key_reverse },
  { place: 'clip', keys: () => ['M'], what: m.key_loop },
  { place: 'clip', keys: () => ['N', 'P'], what: m.key_events },
  { place: 'clip', keys: () => ['B'], what: m.key_bookmark },
  { place: 'clip', keys: () => ['Z', `${m.key_shift()}+Z`], what: m.key_zoom },
  { place: 'clip', keys: () => arrows().map((arrow) => `${m.key_ctrl()}+${arrow}`), what: m.key_pan },
  { place: 'clip', keys: () => ['0'], what: m.key_whole },
  { place: 'clip', keys: () => ['S', `${m.key_shift()}+S`], what: m.key_snapshot, owner: true },
  { place: 'clip', keys: () => [m.key_page_up(), m.key_page_down()], what: m.key_neighbour },
  { place: 'together', keys: () => [m.key_space()], what: m.key_play },
  { place: 'together', keys: () => ['1 … 9'], what: m.key_lead },
  { place: 'together', keys: () => ['←', '→'], what: m.key_step },
  { place: 'together', keys: () => [`${m.key_shift()}+←`, `${m.key_shift()}+→`], what: m.key_jump },
  { place: 'together', keys: () => ['+', '−'], what: m.key_speed },
  { place: 'together', keys: () => ['R'], what: m.key_reverse },
  { place: 'together', keys: () => ['N', 'P'], what: m.key_events },
  { place: 'together', keys: () => ['Z', `${m.key_shift()}+Z`], what: m.key_zoom },
  { place: 'together', keys: () => [m.key_enter()], what: m.key_open_clip },
  { place: 'together', keys: () => ['Esc'], what: m.clip_all_clips },
]

/** The keys that work at `places`, for whoever is signed in. */
export function keysOf(places: KeyPlace[], owner: boolean): KeyLine[] {
  return KEYS.filter((line) => places.includes(line.place) && (owner || line.owner !== true))
}
