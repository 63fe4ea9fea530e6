// Numbers that are measured all the time and read now and then: they change when they mean something else, not each second. Every
// change of a tile's text makes the browser paint the wall anew.

/** What of a rate stands in a tile: pictures a second, and the picture's age in milliseconds. */
export interface Rate {
  fps: number
  age: number
}

/** Ages closer than this, or than a third of what stands, are the same to the eye. Milliseconds. */
const AGE_MS = 20

/** What is to stand there now. */
export function steadyRate(shown: Rate | null, measured: Rate): Rate {
  if (shown === null) return measured
  const fps = Math.abs(measured.fps - shown.fps) > Math.max(1, shown.fps / 20) ? measured.fps : shown.fps
  const age = Math.abs(measured.age - shown.age) > Math.max(AGE_MS, shown.age / 3) ? measured.age : shown.age
  return fps === shown.fps && age === shown.age ? shown : { fps, age }
}
