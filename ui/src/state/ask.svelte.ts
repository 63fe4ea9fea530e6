// Something asked of the engine: its answer, that it is on its way, or why there is none.

import { asWireError, type WireError } from '../ipc/client'

/** One question, or one kind of order; a later one replaces the answer of an earlier one. */
export class Ask<T> {
  value = $state.raw<T | null>(null)
  error = $state.raw<WireError | null>(null)
  busy = $state(false)
  #asked = 0

  /** Asks; whether it went well. An answer that was overtaken by a later question is dropped. */
  async run(question: () => Promise<T>): Promise<boolean> {
    this.#asked += 1
    const mine = this.#asked
    this.busy = true
    this.error = null
    try {
      const value = await question()
      if (mine === this.#asked) this.value = value
      return true
    } catch (thrown) {
      if (mine === this.#asked) this.error = asWireError(thrown)
      return false
    } finally {
      if (mine === this.#asked) this.busy = false
    }
  }
}
