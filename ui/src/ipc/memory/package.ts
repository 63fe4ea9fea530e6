// A package of the client without an engine: whole, or with something wrong (`package=bad`); it waits at the start with `package`.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'

type Names = 'packageGiven' | 'choosePackage' | 'openPackage' | 'checkPackage' | 'playPackage' | 'extractPackage' | 'closePackage'

/** The part of the client that opens packages. */
export function packageOf(options: URLSearchParams, nowUs: () => number): Pick<Client, Names> {
  const bad = options.get('package') === 'bad'
  const lock: wire.PackageLock = options.get('package') === 'key' ? 'key' : 'passphrase'
  const file = 'Hausrecht Kanzlei Grün 2026-11-22 21-09-12 UTC.hausrecht'
  const key = 'hausrecht/9f1c2ab3d4e5f607+3c9b1f42+AbhSuvO4nu0WNNLmq9kJTxgPn0kGQYB9FZjrHEoZQzVs'
  let waits = options.has('package')
  const films = (): wire.PackageFilm[] =>
    [0, 1].map((n) => ({
      name: `00${n + 1} Front door 2026-11-22 21-0${n}-05 UTC.mp4`,
      camera_name: 'Front door',
      from_us: nowUs() - (60 - n) * 60_000_000,
      duration_us: 47_400_000,
      size_bytes: 24_000_000,
      pictures: 1185,
      encoded: n === 0 ? 12 : 0,
      hidden_us: 0,
      sha256: '5f1c'.repeat(16),
    }))
  return {
    packageGiven: async () => (waits ? { file, lock } : null),
    async choosePackage() {
      waits = true
      return { file, lock }
    },
    async openPackage(passphrase) {
      if (passphrase === 'wrong') throw new WireError('wrong_passphrase', 'the passphrase is wrong')
      return { file, made_us: nowUs() - 20 * 60_000_000, recipient: 'Kanzlei Grün', purpose: 'Break-in of Tuesday', caption: null, log_key: key, films: films(), clips: 3 }
    },
    async checkPackage(known) {
      const finding = (part: wire.CheckedPart, text: string): wire.PackageFinding => ({ part, whole: true, text })
      const findings = [finding('films', '2'), finding('papers', '2'), finding('log_key', key), finding('given', '18231'), finding('clips', '3')]
      if (bad) findings[0] = { part: 'films', whole: false, text: 'films/001 Front door 2026-11-22 21-00-05 UTC.mp4 is not the film that the manifest names' }
      if (known.trim() !== '' && known.trim() !== key) findings[2] = { part: 'log_key', whole: false, text: 'it comes from another log' }
      return { whole: findings.every((one) => one.whole), key_compared: known.trim() !== '', log_size: 18_232, findings }
    },
    async playPackage() {
      return { clip: 'film', start_us: 0, duration_us: 47_400_000, position_us: 0, playing: false, ended: false, speed: 1, repeated: null, adjust: { brightness: 0, contrast: 1, saturation: 1, gamma: 1 }, has_picture: true, error: null }
    },
    extractPackage: async () => ({ folder: '/home/anna/Videos', files: 2 }),
    async closePackage() {
      waits = false
      return null
    },
  }
}
