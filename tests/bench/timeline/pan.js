// Drags the timeline for 240 frames, to the past and back, a step each frame. Gives the milliseconds from frame to frame.
const done = arguments[arguments.length - 1]
const field = document.querySelector('[data-testid=timeline-field]')
const took = []
let last = null
let frames = 0
function frame(now) {
  if (last !== null) took.push(now - last)
  last = now
  frames += 1
  if (frames > 240) return done(took)
  const deltaX = frames < 160 ? -12 : 12
  field.dispatchEvent(new WheelEvent('wheel', { deltaX, deltaY: 0, clientX: 700, clientY: 300, bubbles: true, cancelable: true }))
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)
