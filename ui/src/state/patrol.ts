// The patrol: one wall after the other. Whoever touches the window has it to themselves for a while.

/** How long the patrol waits after a touch, at least. Milliseconds. */
export const AFTER_TOUCH_MS = 30_000

/** Where a patrol is. Time is passed in, in milliseconds. */
export class Patrol {
  readonly #stayMs: number
  #nextMs: number

  constructor(stayMs: number, nowMs: number) {
    this.#stayMs = stayMs
    this.#nextMs = nowMs + stayMs
  }

  /** Somebody touched pointer or keys. */
  touched(nowMs: number): void {
    this.#nextMs = Math.max(this.#nextMs, nowMs + Math.max(this.#stayMs, AFTER_TOUCH_MS))
  }

  /** Whether it waits because somebody touched the window. */
  rests(nowMs: number): boolean {
    return this.#nextMs - nowMs > this.#stayMs
  }

  /** Whether it is time for the next wall; if so, that is taken as done. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#nextMs) return false
    this.#nextMs = nowMs + this.#stayMs
    return true
  }
}

/** The stop after `at`, around. */
export function after<T>(stops: T[], at: T): T | undefined {
  return stops[(stops.indexOf(at) + 1) % stops.length]
}
