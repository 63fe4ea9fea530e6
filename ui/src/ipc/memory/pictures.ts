// Drawn pictures for the memory client, in the form in which real ones come.

import type { Mask, TilePlace } from '../bindings'
import { HEADER_BYTES } from '../frames'
import type { House } from './house'

const HUES: [number, number, number][] = [
  [125, 151, 168],
  [60, 66, 84],
  [110, 98, 84],
  [126, 138, 128],
  [78, 84, 90],
  [40, 44, 48],
]

/** One picture of a moving bar over a plain ground. */
export function fakeFrame(tile: number, generation: number, place: TilePlace, home: House): ArrayBuffer {
  const width = 160
  const height = 90
  const message = new ArrayBuffer(HEADER_BYTES + width * height * 4)
  const view = new DataView(message)
  view.setUint32(0, 0x31465248, true)
  view.setUint16(4, tile, true)
  view.setUint32(8, generation, true)
  view.setUint32(12, width, true)
  view.setUint32(16, height, true)
  view.setFloat64(20, Date.now(), true)
  const pixels = new Uint8ClampedArray(message, HEADER_BYTES)
  const { what } = place
  const at = what.source === 'live' ? home.cameras.findIndex((camera) => camera.id === what.camera) : 0
  const [r, g, b] = HUES[at % HUES.length] ?? [90, 90, 90]
  const bar = Math.floor(Date.now() / 100) % width
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = (y * width + x) * 4
      const shade = y > 52 ? 0.7 : 1 - y / 400
      const lit = Math.abs(x - bar) < 4 && y > 40 && y < 74 ? 0.35 : shade
      pixels[i] = r * lit
      pixels[i + 1] = g * lit
      pixels[i + 2] = b * lit
      pixels[i + 3] = 255
    }
  }
  return message
}

const SHADES: [string, string][] = [
  ['#7d97a8', '#6f7a63'],
  ['#3c4254', '#4d4a47'],
  ['#8e9a92', '#5d5347'],
  ['#7b8896', '#77806b'],
]

/** A small drawn picture as base64; `which` changes its colours. */
export function fakeJpeg(which = 0): string {
  const [sky, ground] = SHADES[which % SHADES.length] ?? ['#7d97a8', '#6f7a63']
  return drawn(160, 90, (context) => {
    context.fillStyle = sky
    context.fillRect(0, 0, 160, 52)
    context.fillStyle = ground
    context.fillRect(0, 52, 160, 38)
    context.fillStyle = '#2d3440'
    context.fillRect(78 - which * 12, 44, 10, 30)
  })
}

/** A larger one on which masks are black, as a camera covers them. */
export function fakeStill(masks: Mask[]): string {
  return drawn(1280, 720, (context) => {
    context.fillStyle = '#8e9a92'
    context.fillRect(0, 0, 1280, 720)
    context.fillStyle = '#5d5347'
    context.fillRect(0, 224, 1280, 112)
    context.fillStyle = '#77806b'
    context.fillRect(0, 336, 1280, 384)
    context.fillStyle = '#141711'
    for (const { corners, is_on } of masks) {
      if (!is_on) continue
      context.beginPath()
      for (const { x, y } of corners) context.lineTo(x * 1280, y * 720)
      context.fill()
    }
  })
}

function drawn(width: number, height: number, draw: (context: CanvasRenderingContext2D) => void): string {
  if (typeof document === 'undefined') return ''
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (context === null) return ''
  draw(context)
  return canvas.toDataURL('image/jpeg').split(',')[1] ?? ''
}
