import { describe, expect, it } from 'vitest'
import type { Encoder, EncoderOptions } from '../src/ipc/client'
import { withCodec } from '../src/screens/camera/encoder'

const first: Encoder = {
  token: 'e',
  name: 'main',
  use_count: 1,
  codec: 'h264',
  width: 2560,
  height: 1440,
  quality: 5,
  fps: 25,
  bitrate_kbps: 6000,
  is_constant_bitrate: true,
  gov_length: 100,
  profile: 'High',
  service: 'media2',
}
const options = (part: Partial<EncoderOptions>): EncoderOptions => ({
  codec: 'h265',
  resolutions: [
    [1920, 1080],
    [1280, 720],
  ],
  quality: { min: 0, max: 3 },
  fps: [5, 10, 20],
  is_fps_range: false,
  bitrate_kbps: { min: 64, max: 4096 },
  gov_length: { min: 1, max: 50 },
  profiles: ['Main'],
  has_constant_bitrate: false,
  ...part,
})

describe('another codec', () => {
  it('brings each value within what it takes', () => {
    expect(withCodec(first, first, options({}))).toEqual({
      ...first,
      codec: 'h265',
      width: 1920,
      height: 1080,
      quality: 3,
      fps: 20,
      bitrate_kbps: 4096,
      is_constant_bitrate: null,
      gov_length: 50,
      profile: 'Main',
    })
  })
  it('keeps what fits, and a range of frame rates', () => {
    const wide = options({ resolutions: [[2560, 1440]], fps: [1, 60], is_fps_range: true, bitrate_kbps: null, quality: null, gov_length: null, profiles: [] })
    const to = withCodec(first, first, wide)
    expect([to.width, to.fps, to.bitrate_kbps, to.quality, to.gov_length, to.profile]).toEqual([2560, 25, 6000, 5, null, null])
  })
  it('and back is as the camera has it', () => {
    const other = withCodec(first, first, options({}))
    expect(withCodec(other, first, options({ codec: 'h264' }))).toEqual(first)
  })
})
