// Sums of the week's plan: seven days from Monday on, each of 48 half hours of the wall clock.

import type { RecordMode } from '../../ipc/client'

export const DAYS = 7
export const CELLS = 48

/** One mode for the whole week. */
export function weekOf(mode: RecordMode): RecordMode[][] {
  return Array.from({ length: DAYS }, () => Array.from({ length: CELLS }, () => mode))
}

/** A cell: day from Monday on, half hour of the day. */
export interface Cell {
  day: number
  cell: number
}

/** The week with everything between two cells painted: from the one hour to the other, on each day from the one to the other. */
export function painted(week: RecordMode[][], one: Cell, other: Cell, mode: RecordMode): RecordMode[][] {
  const [firstDay, lastDay] = [Math.min(one.day, other.day), Math.max(one.day, other.day)]
  const [first, last] = [Math.min(one.cell, other.cell), Math.max(one.cell, other.cell)]
  return week.map((cells, day) =>
    day < firstDay || day > lastDay ? cells : cells.map((cell, at) => (at < first || at > last ? cell : mode)),
  )
}

/** The cell that an arrow leads to; `null` for other keys. At the edges it stays. */
export function moved(from: Cell, key: string): Cell | null {
  const bound = (n: number, most: number) => Math.min(most, Math.max(0, n))
  switch (key) {
    case 'ArrowLeft':
      return { ...from, cell: bound(from.cell - 1, CELLS - 1) }
    case 'ArrowRight':
      return { ...from, cell: bound(from.cell + 1, CELLS - 1) }
    case 'ArrowUp':
      return { ...from, day: bound(from.day - 1, DAYS - 1) }
    case 'ArrowDown':
      return { ...from, day: bound(from.day + 1, DAYS - 1) }
    case 'Home':
      return { ...from, cell: 0 }
    case 'End':
      return { ...from, cell: CELLS - 1 }
    default:
      return null
  }
}

/** `08:30` of the 17th half hour; the last one ends at `24:00`. */
export function timeOf(cell: number): string {
  return `${String(Math.floor(cell / 2)).padStart(2, '0')}:${cell % 2 === 0 ? '00' : '30'}`
}

/** Stretches of one mode in a day, for reading the plan without its picture. */
export function stretches(cells: RecordMode[]): { from: number; to: number; mode: RecordMode }[] {
  const found: { from: number; to: number; mode: RecordMode }[] = []
  cells.forEach((mode, at) => {
    const last = found.at(-1)
    if (last?.mode === mode) last.to = at + 1
    else found.push({ from: at, to: at + 1, mode })
  })
  return found
}
