// Witnesses of the client without an engine: one that saw the log today, and with `witness=fork` one that saw another.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'

/** The part of the client about witnesses. */
export function witnessOf(
  options: URLSearchParams,
  nowUs: () => number,
): Pick<Client, 'witnesses' | 'addWitness' | 'removeWitness' | 'askWitnesses' | 'verifierKey' | 'timeStamps' | 'setTimeAuthority' | 'stampNow' | 'exportStamps'> {
  const fork = options.get('witness') === 'fork'
  const key = 'nas.anna/witness+3c9b1f42+BLhSuvO4nu0WNNLmq9kJTxgPn0kGQYB9FZjrHEoZQzVs'
  let stamps: wire.TimeStamps = options.has('stamps')
    ? { authority: 'https://tsa.example/tsr', count: 41, newest: { size: 18_190, time_us: nowUs() - 26 * 3_600_000_000, authority: 'https://tsa.example/tsr' }, problem: options.get('stamps') === 'bad' ? 'it answers 503' : null }
    : { authority: null, count: 0, newest: null, problem: null }
  let all: wire.WitnessView[] = options.has('witness')
    ? [{ name: 'nas.anna/witness', url: 'http://192.168.1.20:8642/', key, size: 18_204, seen_us: nowUs() - 3 * 3_600_000_000, problem: fork ? { trouble: 'fork', detail: 'what it saw of the first 18204 entries is not what the log has now' } : null }]
    : []
  return {
    witnesses: async () => all,
    async addWitness(url, given) {
      if (!url.startsWith('http')) throw new WireError('invalid', 'the address of a witness is like http://192.168.1.20:8642/')
      all = [...all, { name: given.split('+')[0] ?? '', url, key: given, size: 18_232, seen_us: nowUs(), problem: null }]
      return all
    },
    async removeWitness(url) {
      return (all = all.filter((one) => one.url !== url))
    },
    async askWitnesses() {
      return (all = all.map((one) => (one.problem === null ? { ...one, seen_us: nowUs(), size: 18_232 } : one)))
    },
    timeStamps: async () => stamps,
    async setTimeAuthority(url) {
      if (url !== null && !url.startsWith('http')) throw new WireError('invalid', 'the address of a time stamping authority is like https://tsa.example/tsr')
      if (url === null) return (stamps = { ...stamps, authority: null, problem: null })
      return (stamps = { authority: url, count: stamps.count + 1, newest: { size: 18_240, time_us: nowUs(), authority: url }, problem: null })
    },
    async stampNow() {
      return (stamps = { ...stamps, count: stamps.count + 1, newest: { size: 18_244, time_us: nowUs(), authority: stamps.authority ?? '' } })
    },
    exportStamps: async (folder) => ({ count: stamps.count, folder: `${folder}/hausrecht-time-stamps` }),
    verifierKey: async () => 'hausrecht/9f1c2ab3d4e5f607+3c9b1f42+AbhSuvO4nu0WNNLmq9kJTxgPn0kGQYB9FZjrHEoZQzVs',
  }
}
