// Pictures for the canvas presenter: the binary message, and the loopback WebSocket that carries it.

/** u32 magic, u16 tile, u16 reserved, u32 generation, u32 width, u32 height, f64 time; little-endian, packed. Bytes. */
export const HEADER_BYTES = 28
const MAGIC = 0x31465248

/** One picture for one tile. */
export interface Frame {
  /** Index in the list of the last placement. */
  tile: number
  /** Counts placements; pictures of an older one are stale. */
  generation: number
  /** Pixels. */
  width: number
  /** Pixels. */
  height: number
  /** Presentation time. Milliseconds. */
  ptsMs: number
  /** RGBA, row by row, without padding. */
  pixels: Uint8ClampedArray<ArrayBuffer>
}

/** Reads a message; `null` for anything that is not a whole picture. */
export function readFrame(message: ArrayBuffer): Frame | null {
  if (message.byteLength < HEADER_BYTES) return null
  const view = new DataView(message)
  if (view.getUint32(0, true) !== MAGIC) return null
  const width = view.getUint32(12, true)
  const height = view.getUint32(16, true)
  if (width === 0 || height === 0 || message.byteLength !== HEADER_BYTES + width * height * 4) return null
  return {
    tile: view.getUint16(4, true),
    generation: view.getUint32(8, true),
    width,
    height,
    ptsMs: view.getFloat64(20, true),
    pixels: new Uint8ClampedArray(message, HEADER_BYTES, width * height * 4),
  }
}

/** An open stream of pictures. */
export interface FrameLink {
  /** Tells the sender that a picture was drawn, so that the next may come. */
  drawn(tile: number, generation: number): void
  /** Ends the stream. */
  close(): void
}

/** Waits before the next try, after `failures` in a row. Milliseconds. */
export function backOffMs(failures: number): number {
  return Math.min(5000, 100 * 2 ** Math.min(failures, 6))
}

/** Connects to the endpoint and reconnects with growing pauses until closed. */
export function openFrameSocket(
  endpoint: () => Promise<{ port: number; token: string }>,
  receive: (message: ArrayBuffer) => void,
): FrameLink {
  let socket: WebSocket | null = null
  let closed = false
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const again = () => {
    socket = null
    if (closed) return
    timer = setTimeout(connect, backOffMs(failures))
    failures += 1
  }
  const connect = async () => {
    let at: { port: number; token: string }
    try {
      at = await endpoint()
    } catch {
      again()
      return
    }
    if (closed) return
    const opening = new WebSocket(`ws://127.0.0.1:${at.port}/?token=${encodeURIComponent(at.token)}`)
    opening.binaryType = 'arraybuffer'
    opening.onopen = () => (failures = 0)
    opening.onmessage = (event) => {
      if (event.data instanceof ArrayBuffer) receive(event.data)
    }
    opening.onclose = again
    socket = opening
  }
  void connect()

  return {
    drawn(tile, generation) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ t: tile, s: generation }))
    },
    close() {
      closed = true
      clearTimeout(timer)
      socket?.close()
    },
  }
}
