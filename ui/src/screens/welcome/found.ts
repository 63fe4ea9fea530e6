// Which found cameras are ticked before anybody ticks anything.

import type { FoundCamera } from '../../ipc/client'

/** One's own cameras are ticked; those of the demo only when they were asked for or nothing else answered. */
export function tickedByDefault(camera: FoundCamera, all: FoundCamera[], demoWanted: boolean): boolean {
  if (camera.known || camera.outside_range || camera.gone) return false
  if (demoWanted) return camera.demo
  return !camera.demo || all.every((other) => other.demo || other.outside_range || other.known || other.gone)
}

/** Whether only demo cameras are ticked, and at least one. */
export function onlyDemo(ticked: FoundCamera[]): boolean {
  return ticked.length > 0 && ticked.every((camera) => camera.demo)
}
