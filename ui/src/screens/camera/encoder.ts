// An encoder's settings when its codec changes: what the other codec does not take is brought within what it does.

import type { Encoder, EncoderOptions, Range } from '../../ipc/client'

const within = (value: number, range: Range | null) => (range === null ? value : Math.min(range.max, Math.max(range.min, value)))

function fpsOf(fps: number, options: EncoderOptions): number {
  if (options.fps.length === 0 || options.fps.includes(fps)) return fps
  if (options.is_fps_range) return within(fps, { min: Math.min(...options.fps), max: Math.max(...options.fps) })
  return options.fps.reduce((best, one) => (Math.abs(one - fps) < Math.abs(best - fps) ? one : best))
}

/** `draft` with another codec; back at the codec of `first`, everything is as the camera has it. */
export function withCodec(draft: Encoder, first: Encoder, options: EncoderOptions): Encoder {
  if (options.codec === first.codec) return { ...first }
  const fits = options.resolutions.some(([width, height]) => width === draft.width && height === draft.height)
  const [width, height] = fits ? [draft.width, draft.height] : (options.resolutions[0] ?? [draft.width, draft.height])
  return {
    ...draft,
    codec: options.codec,
    width,
    height,
    fps: fpsOf(draft.fps, options),
    bitrate_kbps: within(draft.bitrate_kbps, options.bitrate_kbps),
    quality: draft.quality === null ? null : within(draft.quality, options.quality),
    gov_length: options.gov_length === null ? null : within(draft.gov_length ?? first.gov_length ?? options.gov_length.min, options.gov_length),
    profile: draft.profile !== null && options.profiles.includes(draft.profile) ? draft.profile : (options.profiles.at(-1) ?? null),
    is_constant_bitrate: options.has_constant_bitrate ? draft.is_constant_bitrate : null,
  }
}
