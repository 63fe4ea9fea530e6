// Backups of the client without an engine: made at once, restored with any passphrase but `wrong`; one waits at the start with `backup`.

import { WireError, type Client } from '../client'
import type * as wire from '../bindings'

type Names = 'makeBackup' | 'lastBackup' | 'testSheet' | 'sheetTested' | 'shareRecovery' | 'sharedAmong' | 'backupGiven' | 'chooseBackup' | 'restoreBackup' | 'forgetBackup' | 'startAnew'

/** The part of the client that keeps and brings back. */
export function backupOf(options: URLSearchParams, nowUs: () => number): Pick<Client, Names> {
  const file = 'Hausrecht 2026-11-20 18-00-00 UTC.hausrecht-backup'
  let waits = options.has('backup')
  let last: wire.BackupMade | null = null
  let tested: number | null = null
  let shared: wire.SharedAmong | null = null
  return {
    async makeBackup(folder) {
      if (!folder.startsWith('/')) throw new WireError('invalid', `${folder} is not a folder, or not there any more: choose another`)
      return (last = { made_us: nowUs(), path: `${folder}/${file}`, size_bytes: 4_200_000 })
    },
    lastBackup: async () => last,
    async testSheet(identity) {
      if (!identity.toUpperCase().replaceAll(/\s/g, '').startsWith('AGE-SECRET-KEY-1')) throw new WireError('invalid', 'not an age identity')
      const fits = !identity.includes('other')
      if (fits) tested = nowUs()
      return { fits, share_of: identity.includes('share') ? 'Sofia' : null, tested_us: tested }
    },
    async shareRecovery(passphrase, names) {
      if (passphrase === 'wrong') throw new WireError('wrong_passphrase', 'the passphrase is wrong')
      shared = { made_us: nowUs(), names, in_backup: false }
      const qr_svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h3v3H0zM5 0h3v3H5zM0 5h3v3H0zM4 4h2v2H4z"/></svg>'
      const identity = (n: number) => `AGE-SECRET-KEY-1${'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.repeat(2).slice(n, n + 58)}`
      return { made_us: nowUs(), recipient: `age1${'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.repeat(2).slice(0, 58)}`, shares: names.map((name, n) => ({ name, identity: identity(n), qr_svg })) }
    },
    sharedAmong: async () => shared,
    sheetTested: async () => tested,
    backupGiven: async () => (waits ? file : null),
    async chooseBackup() {
      waits = true
      return file
    },
    async restoreBackup(key) {
      if (key.passphrase === 'wrong') throw new WireError('wrong_passphrase', 'the passphrase is wrong')
      return { made_us: nowUs() - 3 * 86_400_000_000, entries: 18_204 }
    },
    async forgetBackup() {
      waits = false
    },
    startAnew: async () => undefined,
  }
}
