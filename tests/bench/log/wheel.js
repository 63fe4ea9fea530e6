// Turns the wheel once a frame for five seconds: down, then up. Gives the milliseconds from frame to frame.
const done = arguments[arguments.length - 1]
const list = document.querySelector('.rows')
const took = []
let last = null
let frames = 0
function frame(now) {
  if (last !== null) took.push(now - last)
  last = now
  frames += 1
  if (frames > 300) return done(took)
  list.dispatchEvent(new WheelEvent('wheel', { deltaY: frames < 200 ? 120 : -120, bubbles: true, cancelable: true }))
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)
