// Understands a time in words, in English and German: `yesterday 14:30`, `last monday 8 pm`, `vor 20 minuten`.

import { dateOf, HOUR_US, MINUTE_US } from './time'

const DAY_US = 24 * HOUR_US
const DAYS: Record<string, number> = { today: 0, heute: 0, yesterday: -1, gestern: -1, vorgestern: -2, tomorrow: 1, übermorgen: 2 }
const WEEKDAYS = [
  ['sunday', 'sun', 'sonntag', 'so'],
  ['monday', 'mon', 'montag', 'mo'],
  ['tuesday', 'tue', 'tues', 'dienstag', 'di'],
  ['wednesday', 'wed', 'mittwoch', 'mi'],
  ['thursday', 'thu', 'thur', 'thurs', 'donnerstag', 'do'],
  ['friday', 'fri', 'freitag', 'fr'],
  ['saturday', 'sat', 'samstag', 'sonnabend', 'sa'],
]
const MONTHS = [
  ['january', 'jan', 'januar', 'jänner'],
  ['february', 'feb', 'februar'],
  ['march', 'mar', 'märz', 'mär'],
  ['april', 'apr'],
  ['may', 'mai'],
  ['june', 'jun', 'juni'],
  ['july', 'jul', 'juli'],
  ['august', 'aug'],
  ['september', 'sep', 'sept'],
  ['october', 'oct', 'oktober', 'okt'],
  ['november', 'nov'],
  ['december', 'dec', 'dezember', 'dez'],
]
/** Hours at which the parts of a day begin. */
const PARTS: Record<string, number> = { morning: 6, morgen: 6, früh: 6, noon: 12, mittag: 12, afternoon: 14, nachmittag: 14, evening: 18, abend: 18, midnight: 0, mitternacht: 0 }
/** Words that change nothing. */
const FILLERS = new Set(['at', 'on', 'the', 'of', 'um', 'am', 'den', 'der', 'dem', 'uhr', 'o’clock', "o'clock"])
const LAST = new Set(['last', 'letzten', 'letzter', 'letzte', 'letztem', 'vorigen', 'voriger', 'vorige'])

/** A moment, and whether a time of day was said or only a day. */
export interface Moment {
  us: number
  exact: boolean
}

interface Day {
  year: number
  month: number
  day: number
}

const unitUs = (word: string): number | null => {
  if (/^(s|secs?|seconds?|sekunden?)$/.test(word)) return 1_000_000
  if (/^(m|min|mins|minutes?|minuten?)$/.test(word)) return MINUTE_US
  if (/^(h|hrs?|hours?|std|stunden?)$/.test(word)) return HOUR_US
  if (/^(d|days?|tage?n?)$/.test(word)) return DAY_US
  if (/^(w|weeks?|wochen?)$/.test(word)) return 7 * DAY_US
  return null
}

/** `20 minutes ago`, `vor 2 stunden`; days are of the calendar, so that the clock stays where a day has 23 or 25 hours. */
function before(words: string[], nowUs: number): Moment | null {
  const told = words[0] === 'vor' ? words.slice(1) : words.at(-1) === 'ago' ? words.slice(0, -1) : null
  if (!told || told.length === 0 || told.length > 2) return null
  const [, joined, unit] = /^(\d+)(\p{L}+)$/u.exec(told.join('')) ?? []
  const [amount, name] = joined !== undefined ? [Number(joined), unit!] : [/^(an?|one|einer|einem)$/.test(told[0]!) ? 1 : NaN, told[1] ?? '']
  const us = unitUs(name)
  if (us === null || !Number.isFinite(amount)) return null
  if (us < DAY_US) return { us: nowUs - amount * us, exact: true }
  const date = dateOf(nowUs)
  date.setDate(date.getDate() - (amount * us) / DAY_US)
  return Number.isNaN(date.getTime()) ? null : { us: date.getTime() * 1000, exact: true }
}

function toDay(date: Date): Day {
  return { year: date.getFullYear(), month: date.getMonth(), day: date.getDate() }
}

/** A date without a year is the latest that is not in the future. */
function dated(day: number, month: number, year: number | null, now: Date): Day | null {
  const full = year === null ? now.getFullYear() : year < 100 ? 2000 + year : year
  const fits = (of: number) => {
    const made = new Date(of, month, day)
    return made.getMonth() === month && made.getDate() === day ? made : null
  }
  if (year !== null) return fits(full) && { year: full, month, day }
  // 29 February is found up to eight years back.
  for (let of = full; of > full - 9; of -= 1) {
    const made = fits(of)
    if (made && made <= now) return { year: of, month, day }
  }
  return null
}

/** The words of a text, each thing said in one way. */
function wordsOf(text: string): string[] {
  return text
    .trim()
    .toLowerCase()
    .replace(/,/g, ' ')
    .replace(/\s+/gu, ' ')
    .replace(/half an hour/g, '30 minutes')
    .replace(/einer halben stunde/g, '30 minuten')
    .replace(/(the )?day before yesterday/g, 'vorgestern')
    .replace(/\b(\d{1,2}) ?uhr (\d{2})\b/g, '$1:$2')
    .replace(/\b(\d{1,2})\/(\d{1,2})(?:\/(\d{4}|\d{2}))?(?= |$)/g, (_, day: string, month: string, year?: string) => `${day}.${month}.${year ?? ''}`)
    .split(' ')
    .filter((word) => word !== '')
}

/** Days ago beside a time, `3 days ago 7:05`: how many, and the words that are left. */
function daysAgo(words: string[]): { days: number; rest: string[] } | null {
  const found = /^(?:vor (\d{1,4}|eine[mr]) (tag(?:en)?|wochen?)|(\d{1,4}|an?|one) (days?|weeks?) ago)(?: (.+))?$/.exec(words.join(' '))
  const rest = found?.[5]
  if (!found || rest === undefined) return null
  const [count, unit] = [found[1] ?? found[3] ?? '', found[2] ?? found[4] ?? '']
  return { days: (/^\d/.test(count) ? Number(count) : 1) * (unit.startsWith('w') ? 7 : 1), rest: rest.split(' ') }
}

/** The moment that `text` names, seen from `nowUs`; `null` if it is not understood. */
export function momentOf(text: string, nowUs: number): Moment | null {
  let words = wordsOf(text)
  if (words.length === 0) return null
  if (words.length === 1 && (words[0] === 'now' || words[0] === 'jetzt')) return { us: nowUs, exact: true }
  const ago = before(words, nowUs)
  if (ago) return ago
  const now = dateOf(nowUs)
  let day: Day | null = null
  let time: [number, number, number] | null = null
  let half: 'am' | 'pm' | null = null
  const setDay = (found: Day | null) => {
    if (day !== null || found === null) return false
    day = found
    return true
  }
  const setTime = (hour: number, minute = 0, second = 0) => {
    if (time !== null || hour > 23 || minute > 59 || second > 59) return false
    time = [hour, minute, second]
    return true
  }
  const offset = (days: number) => toDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days))
  // The weekday of today was named: that of a week ago is meant if its time has not come yet.
  let weekly = false
  const back = daysAgo(words)
  if (back) {
    setDay(offset(-back.days))
    words = back.rest
  }

  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!
    const next = words[i + 1]
    const plain = word.replace(/\.$/, '')
    let hit: RegExpExecArray | null
    if (time !== null && half === null && (word === 'am' || word === 'pm' || word === 'a.m.' || word === 'p.m.')) {
      half = word.startsWith('p') ? 'pm' : 'am'
    } else if (FILLERS.has(word) || LAST.has(word)) {
      // "last monday" is the one before today; "monday" alone may be today.
      if (LAST.has(word) && (next === undefined || !WEEKDAYS.some((names) => names.includes(next.replace(/\.$/, ''))))) return null
    } else if (plain === 'morgen' && day === null) {
      // After a day it is its morning, as in “gestern morgen”.
      if (!setDay(offset(1))) return null
    } else if (Object.hasOwn(DAYS, plain)) {
      if (!setDay(offset(DAYS[plain]!))) return null
    } else if (WEEKDAYS.some((names) => names.includes(plain))) {
      const wanted = WEEKDAYS.findIndex((names) => names.includes(plain))
      const back = (now.getDay() - wanted + 7) % 7
      // A weekday beside a date only repeats it.
      const dateFollows = next !== undefined && /^\d{1,2}\.\d{1,2}\.|^\d{4}-\d|^\d{1,2}\.?$/.test(next) && words.slice(i + 1).some((later) => /^\d{1,2}\.\d|^\d{4}-\d/.test(later) || MONTHS.some((names) => names.includes(later.replace(/\.$/, ''))))
      const last = LAST.has(words[i - 1] ?? '')
      if (!dateFollows && !setDay(offset(-(back === 0 && last ? 7 : back)))) return null
      weekly = !dateFollows && back === 0 && !last
    } else if ((hit = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:t(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(word))) {
      if (!setDay(dated(Number(hit[3]), Number(hit[2]) - 1, Number(hit[1]), now))) return null
      if (hit[4] !== undefined && !setTime(Number(hit[4]), Number(hit[5]), Number(hit[6] ?? 0))) return null
    } else if ((hit = /^(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})?$/.exec(word))) {
      if (!setDay(dated(Number(hit[1]), Number(hit[2]) - 1, hit[3] === undefined ? null : Number(hit[3]), now))) return null
    } else if ((hit = /^(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(am|pm)?$/.exec(word))) {
      if (!setTime(Number(hit[1]), Number(hit[2]), Number(hit[3] ?? 0))) return null
      half = (hit[4] as 'am' | 'pm' | undefined) ?? half
    } else if ((hit = /^(\d{1,2})(am|pm|h)$/.exec(word))) {
      if (!setTime(Number(hit[1]))) return null
      half = hit[2] === 'h' ? half : (hit[2] as 'am' | 'pm')
    } else if ((hit = /^(\d{1,2})(\.|st|nd|rd|th)?$/.exec(word))) {
      const named = next?.replace(/\.$/, '')
      const month = named === undefined ? -1 : MONTHS.findIndex((names) => names.includes(named))
      if (month >= 0) {
        const year = /^\d{4}$/.test(words[i + 2] ?? '') ? Number(words[i + 2]) : null
        if (!setDay(dated(Number(hit[1]), month, year, now))) return null
        i += year === null ? 1 : 2
      } else if (hit[2] !== undefined || !setTime(Number(hit[1]))) return null
    } else if (MONTHS.some((names) => names.includes(plain)) && next !== undefined && /^\d{1,2}(st|nd|rd|th)?$/.test(next)) {
      const month = MONTHS.findIndex((names) => names.includes(plain))
      const year = /^\d{4}$/.test(words[i + 2] ?? '') ? Number(words[i + 2]) : null
      if (!setDay(dated(parseInt(next, 10), month, year, now))) return null
      i += year === null ? 1 : 2
    } else if (Object.hasOwn(PARTS, plain)) {
      if (!setTime(PARTS[plain]!)) return null
    } else return null
  }

  if (half !== null) {
    if (time === null) return null
    const [hour, minute, second]: [number, number, number] = time
    if (hour < 1 || hour > 12) return null
    time = [(hour % 12) + (half === 'pm' ? 12 : 0), minute, second]
  }
  if (day === null && time === null) return null
  const { year, month, day: of } = day ?? toDay(now)
  const [hour, minute, second]: [number, number, number] = time ?? [0, 0, 0]
  const at = new Date(year, month, of, hour, minute, second)
  if (weekly && at > now) at.setDate(at.getDate() - 7)
  // A time alone that has not come yet today was yesterday.
  if (day === null && at > now) at.setDate(at.getDate() - 1)
  return { us: at.getTime() * 1000, exact: time !== null }
}
