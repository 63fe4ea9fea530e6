// People, grants, templates and questions of the memory client.

import type * as wire from '../bindings'
import { WireError, type Client } from '../client'
import { MINUTE, type House } from './house'

const HOUR = 60 * MINUTE
const ALL: wire.Right[] = ['live', 'playback', 'ptz', 'talk', 'snapshot', 'copy']

type Part = Pick<
  Client,
  | 'changePerson'
  | 'givePassphrase'
  | 'changePassphrase'
  | 'removePerson'
  | 'wouldSee'
  | 'grant'
  | 'changeGrant'
  | 'takeBack'
  | 'rekey'
  | 'templates'
  | 'keepTemplates'
  | 'ask'
  | 'asks'
  | 'answerAsk'
  | 'agreeHere'
>

/** What this part needs of the rest. */
export interface Around {
  home: House
  nowUs: () => number
  me: () => wire.Me
  rows: () => number
  clip: (id: string) => wire.ClipView
  passphrases: Map<string, string>
  told: () => void
}

const TEMPLATES: wire.Template[] = [
  { name: 'Family', rights: ['live', 'playback', 'ptz', 'talk', 'snapshot'], back_hours: 72, hours: null, days: null, cameras: [] },
  { name: 'Staff', rights: ['live'], back_hours: null, hours: { days: [true, true, true, true, true, true, false], from_min: 480, to_min: 1200 }, days: null, cameras: [] },
  { name: 'Night guard', rights: ['live', 'playback', 'ptz'], back_hours: 12, hours: { days: [true, true, true, true, true, true, true], from_min: 1320, to_min: 360 }, days: null, cameras: [] },
]

export function peoplePart({ home, nowUs, me, rows, clip, passphrases, told }: Around): Part {
  let templates = TEMPLATES
  let asks: wire.AskView[] = []
  const owner = () => {
    if (!me().owner) throw new WireError('not_allowed', 'only the owner may do this')
  }
  const personOf = (id: string) => {
    const person = home.people.find((one) => one.face.id === id)
    if (!person) throw new WireError('not_found', 'this person does not exist')
    return person
  }
  const nameOf = (id: string | null) => home.people.find((one) => one.face.id === id)?.face.name ?? ''
  const made = (person: string, scope: wire.GrantScope, terms: wire.Terms, reason: string): wire.GrantView => {
    const one = scope.scope === 'clip' ? clip(scope.clip) : null
    const camera = scope.scope === 'clip' ? one!.camera : scope.camera
    return {
      id: `g${Math.random().toString(16).slice(2, 10)}`,
      person,
      scope,
      camera,
      camera_name: home.cameras.find((known) => known.id === camera)?.name ?? '',
      clip_start_us: one?.start_us ?? null,
      terms,
      second_name: nameOf(terms.second),
      in_hours: true,
      opened: 0,
      pending: false,
      given_us: nowUs(),
      until_us: terms.until_us,
      reason,
      entry: rows(),
    }
  }
  const answer = (id: string, agree: boolean) => {
    asks = asks.map((one) => (one.id === id ? { ...one, agreed: agree } : one))
    told()
    return null
  }
  return {
    async changePerson(change) {
      owner()
      const person = personOf(change.person)
      const face = { ...person.face, name: change.name, color: change.color }
      const changed = { ...person, face, role: change.role, until_us: change.until_us, language: change.language }
      home.people.splice(home.people.indexOf(person), 1, changed)
      told()
      return changed
    },
    async givePassphrase(id, passphrase) {
      owner()
      passphrases.set(personOf(id).face.name, passphrase)
      return null
    },
    async changePassphrase(old, passphrase) {
      if (passphrases.get(me().name) !== old) throw new WireError('wrong_passphrase', 'not this passphrase')
      passphrases.set(me().name, passphrase)
      return null
    },
    async removePerson(id) {
      owner()
      home.people.splice(home.people.indexOf(personOf(id)), 1)
      told()
      return null
    },
    async wouldSee(id) {
      owner()
      const { grants } = personOf(id)
      const cameras = home.cameras.flatMap((camera): wire.WouldSeeCamera[] => {
        const here = grants.filter((grant) => grant.camera === camera.id)
        if (here.length === 0) return []
        const rights = ALL.filter((right) => here.some((grant) => grant.scope.scope === 'camera' && grant.terms.rights.includes(right)))
        const plays = here.some((grant) => grant.terms.rights.includes('playback'))
        const second = here.some((grant) => grant.terms.second !== null)
        return [
          {
            camera: camera.id,
            camera_name: camera.name,
            rights,
            other_hours: [],
            clips: plays ? 1_440 : 0,
            with_second: second ? 1_440 : 0,
            to_come: 0,
            oldest_us: plays ? nowUs() - 24 * HOUR : null,
            newest_us: plays ? nowUs() - MINUTE : null,
          },
        ]
      })
      return { ended: false, cameras }
    },
    async grant(given) {
      owner()
      const grants = given.people.flatMap((person) => given.scopes.map((scope) => made(person, scope, given.terms, given.reason)))
      for (const grant of grants) personOf(grant.person).grants.push(grant)
      told()
      return grants
    },
    async changeGrant({ grant: id, terms, reason }) {
      owner()
      for (const person of home.people) {
        const old = person.grants.find((grant) => grant.id === id)
        if (old === undefined) continue
        const next = made(person.face.id, old.scope, terms, reason)
        person.grants = person.grants.map((grant) => (grant.id === id ? next : grant))
        told()
        return next
      }
      throw new WireError('not_found', 'this grant does not exist')
    },
    async takeBack(id) {
      owner()
      for (const person of home.people) person.grants = person.grants.filter((grant) => grant.id !== id)
      told()
      return { opened: 0, never_opened: [] }
    },
    rekey: async (clips) => clips.length,
    async templates() {
      owner()
      return templates
    },
    async keepTemplates(kept) {
      owner()
      templates = kept
      return kept
    },
    async ask(id) {
      const about = clip(id)
      const ask: wire.AskView = {
        id: `k${asks.length}`,
        clip: id,
        camera_name: about.camera_name,
        start_us: about.start_us,
        duration_us: about.duration_us,
        from: me().name,
        to: home.people[0]!.face.name,
        mine: false,
        asked_us: nowUs(),
        agreed: null,
        used: false,
      }
      asks = [ask, ...asks]
      told()
      return ask
    },
    asks: async () => asks.map((ask) => ({ ...ask, mine: ask.to === me().name })),
    answerAsk: async (id, agree) => answer(id, agree),
    async agreeHere(id, passphrase) {
      const ask = asks.find((one) => one.id === id)
      if (ask === undefined || passphrases.get(ask.to) !== passphrase) throw new WireError('wrong_passphrase', 'not this passphrase')
      return answer(id, true)
    },
  }
}
