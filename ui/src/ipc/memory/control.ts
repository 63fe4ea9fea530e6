// Cameras of the memory client from within: one that has everything, one that has little, one whose account may not.

import { WireError, type Client, type ClientEvents } from '../client'
import type * as wire from '../bindings'
import type { House } from './house'
import { fakeJpeg, fakeStill } from './pictures'

type Names =
  | 'cameraPanel' | 'chooseStreams' | 'cameraCertificate' | 'acceptCertificate' | 'rebootCamera' | 'setCameraClock'
  | 'ptzMove' | 'ptzStop' | 'ptzPresets' | 'ptzSavePreset' | 'ptzGoToPreset' | 'ptzRemovePreset' | 'ptzGoHome' | 'ptzSetHome'
  | 'imaging' | 'setImaging' | 'encoders' | 'setEncoder' | 'osds' | 'setOsd' | 'deleteOsd' | 'masks' | 'setMask' | 'deleteMask'
  | 'stillPicture' | 'relays' | 'operateRelay' | 'cameraUsers' | 'setCameraUserPassword' | 'makeOwnAccount' | 'deleteCameraUser'
  | 'card' | 'fetchFromCard' | 'stopCardJob' | 'cardJobs' | 'fillGaps' | 'setFillGaps' | 'openCard' | 'cardPlayer' | 'closeCard'
  | 'talk' | 'unknownTopics' | 'topicMap' | 'mapTopic' | 'motionSettings' | 'setMotionSettings' | 'notifyRules' | 'setNotifyRules' | 'notificationServer'

const HOUR = 3_600_000_000
const SEEN = '9C41 07BE 55D2 13AF 8E60 4B7C D913 20FE 61A8 3F05 B2C7 9D4E 7A10 E86B 52F3 C4D9'
const EXPECTED = '41F0 8A2C 9D77 E310 5BC6 02FA 7E49 B18D C3A5 6F20 94E7 1DB8 0A5C F362 87D4 2E9B'

/** Which kind of camera stands at this place of the house. */
function kindOf(home: House, camera: wire.CameraId): 'whole' | 'bare' | 'viewer' {
  const at = home.cameras.findIndex((one) => one.id === camera)
  if (at < 0) throw new WireError('not_found', `no camera ${camera}`)
  return at === 1 || at === 4 ? 'bare' : at === 2 ? 'viewer' : 'whole'
}

function features(kind: 'whole' | 'bare' | 'viewer'): wire.Features {
  const is: wire.Presence = kind === 'whole' ? 'present' : kind === 'bare' ? 'absent' : 'not_allowed'
  return {
    ptz: kind === 'bare' ? 'absent' : is,
    imaging: is,
    focus: is,
    encoder: kind === 'viewer' ? 'not_allowed' : 'present',
    snapshot: 'present',
    osd: is,
    masks: is,
    relays: is,
    inputs: is,
    talk: kind === 'whole' ? 'present' : 'absent',
    events: 'present',
    recordings: kind === 'whole' ? 'present' : 'absent',
    replay: kind === 'whole' ? 'present' : 'absent',
    analytics: is,
    metadata: is,
    users: kind === 'bare' ? 'present' : is,
    network: is,
  }
}

const range = (min: number, max: number): wire.Range => ({ min, max })

/** What the memory client answers about a camera from within. */
export function controlOf(
  home: House,
  nowUs: () => number,
  emit: <K extends keyof ClientEvents>(name: K, snapshot: ClientEvents[K]) => void,
): Pick<Client, Names> & { certificateChanged: () => boolean } {
  let certificateChanged = true
  let offset: number | null = 4200
  const streams = new Map<string, { main: string; sub: string | null }>()
  const users = new Map<string, wire.CameraUserView[]>()
  const own = new Set<string>()
  let presets: wire.PresetView[] = ['Gate', 'Shed', 'Road'].map((name, i) => ({ token: `p${i}`, name, picture: i === 2 ? null : fakeJpeg(i) }))
  let settings: wire.ImagingSettings = {
    brightness: 50,
    contrast: 50,
    saturation: 50,
    sharpness: 40,
    ir_cut: 'auto',
    has_backlight_compensation: false,
    backlight_compensation_level: null,
    has_wide_dynamic_range: true,
    wide_dynamic_range_level: 30,
    exposure: 'auto',
    exposure_time_us: 20_000,
    gain_db: 12,
    white_balance: 'auto',
    is_autofocus: true,
  }
  const encoder = (token: string, name: string, width: number, height: number, bitrate_kbps: number): wire.Encoder => ({
    token,
    name,
    use_count: 1,
    codec: 'h264',
    width,
    height,
    quality: 60,
    fps: 25,
    bitrate_kbps,
    is_constant_bitrate: false,
    gov_length: 50,
    profile: 'High',
    service: 'media2',
  })
  let encoders = [encoder('e0', 'Main', 2560, 1440, 6144), encoder('e1', 'Sub', 640, 360, 512)]
  let osds: wire.Osd[] = [
    { token: 'o0', source_configuration: 'v0', position: 'upper_left', content: 'date_and_time', font_size: 24, date_format: null, time_format: null, service: 'media2' },
    { token: 'o1', source_configuration: 'v0', position: 'lower_right', content: { text: 'Yard' }, font_size: 24, date_format: null, time_format: null, service: 'media2' },
  ]
  let masks: wire.Mask[] = [
    {
      token: 'm0',
      source_configuration: 'v0',
      corners: [{ x: 0.78, y: 0.53 }, { x: 1, y: 0.53 }, { x: 1, y: 1 }, { x: 0.78, y: 1 }],
      kind: 'Color',
      is_on: true,
    },
  ]
  let topics: wire.UnknownTopic[] = [
    { camera: home.cameras[0]?.id ?? '', topic: 'tns1:RuleEngine/MyRuleDetector/BarkDetect', data: [['Name', 'Bark'], ['State', 'true']], count: 14, last_us: nowUs() - HOUR / 6 },
    { camera: home.cameras[3]?.id ?? '', topic: 'tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY', data: [['active', '1']], count: 231, last_us: nowUs() - HOUR / 30 },
  ]
  let mapped: wire.TopicMapping[] = [{ topic: 'tns1:Device/Trigger/Relay', kind: 'doorbell' }]
  const motion = new Map<string, wire.MotionSettings>()
  let rules: wire.NotifyRules = {
    enabled: true,
    kinds: home.cameras.map((camera, i) => ({ camera: camera.id, kinds: i === 0 ? ['person', 'doorbell', 'package'] : i === 3 ? ['person', 'intrusion'] : [] })),
    quiet: { from_min: 22 * 60, to_min: 6 * 60, doorbell_too: false },
    pictures: true,
    bell_sound: true,
  }
  const filling = new Set<string>()
  let jobs: wire.CardJob[] = []
  let watched: wire.CardPlayerState | null = null
  let made = 100

  const can = (camera: wire.CameraId, feature: keyof wire.Features) => {
    const presence = features(kindOf(home, camera))[feature]
    if (presence === 'not_allowed') throw new WireError('not_allowed', `the account may not use ${feature}`)
    if (presence === 'absent') throw new WireError('camera_unsuitable', `the camera has no ${feature}`)
  }
  const usersOf = (camera: string): wire.CameraUserView[] =>
    users.get(camera) ?? [
      { name: 'admin', level: 'administrator', in_use: true },
      { name: 'installer', level: 'operator', in_use: false },
    ]
  /** Four hours out of five are on the card, up to now. */
  function spansOf(from_us: number, to_us: number): wire.CardSpan[] {
    const spans: wire.CardSpan[] = []
    for (let at = Math.floor(from_us / (5 * HOUR)) * 5 * HOUR; at < Math.min(to_us, nowUs()); at += 5 * HOUR) {
      const [from, to] = [Math.max(at, from_us), Math.min(at + 4 * HOUR, to_us, nowUs())]
      if (to > from) spans.push({ recording: 'r0', from_us: from, to_us: to })
    }
    return spans
  }
  function work(id: string) {
    jobs = jobs.map((job) => {
      if (job.id !== id || job.state !== 'running') return job
      const done_us = Math.min(job.to_us - job.from_us, job.done_us + (job.to_us - job.from_us) / 10)
      return { ...job, done_us, state: done_us >= job.to_us - job.from_us ? 'done' : 'running' }
    })
    emit('card_jobs', jobs)
    if (jobs.some((job) => job.id === id && job.state === 'running')) setTimeout(() => work(id), 400)
  }
  function play() {
    if (watched === null) return
    if (watched.playing && !watched.ended) {
      const at_us = Math.min(watched.to_us, watched.at_us + 250_000 * watched.speed)
      watched = { ...watched, at_us, ended: at_us >= watched.to_us, playing: at_us < watched.to_us }
      emit('card_player', watched)
    }
    setTimeout(play, 250)
  }

  return {
    certificateChanged: () => certificateChanged,
    async cameraPanel(camera) {
      const kind = kindOf(home, camera)
      const view = home.cameras.find((one) => one.id === camera)!
      const chosen = streams.get(camera) ?? { main: 'main', sub: kind === 'bare' ? null : 'sub' }
      const profiles: wire.ProfileView[] = [
        { token: 'main', name: 'Quality', codec: 'h264', width: encoders[0]!.width, height: encoders[0]!.height, fps: 25, bitrate_kbps: encoders[0]!.bitrate_kbps },
        { token: 'sub', name: 'Balanced', codec: 'h264', width: 640, height: 360, fps: 15, bitrate_kbps: 512 },
        { token: 'jpeg', name: 'Still pictures', codec: 'mjpeg', width: 800, height: 450, fps: 5, bitrate_kbps: 0 },
      ]
      return {
        camera,
        maker_model: view.maker_model,
        firmware: view.firmware,
        address: view.address,
        encrypted: kind === 'whole',
        certificate: kind === 'whole' ? EXPECTED : null,
        clock_offset_ms: kind === 'bare' ? 180 : offset,
        account: own.has(camera) ? 'hausrecht' : kind === 'viewer' ? 'viewer' : 'admin',
        account_level: own.has(camera) ? 'operator' : kind === 'viewer' ? 'user' : 'administrator',
        own_account: own.has(camera),
        factory_password_suspected: kind !== 'viewer' && !own.has(camera) && !users.has(camera),
        features: features(kind),
        ptz:
          kind === 'whole'
            ? { can_pan_tilt: true, can_zoom: true, can_move_by: true, can_move_to: true, presets_most: 16, has_home: true, is_home_fixed: false, auxiliary_commands: [] }
            : null,
        talk: kind === 'whole',
        profiles: kind === 'bare' ? profiles.slice(0, 1) : profiles,
        ...chosen,
      }
    },
    async chooseStreams(camera, main, sub) {
      streams.set(camera, { main, sub })
      return null
    },
    cameraCertificate: async (camera) =>
      certificateChanged && home.cameras[5]?.id === camera ? { expected: EXPECTED, seen: SEEN } : null,
    async acceptCertificate(_, seen) {
      if (seen !== SEEN) throw new WireError('invalid', 'this is not the certificate that was seen')
      certificateChanged = false
      emit('cameras', [...home.cameras])
      return null
    },
    rebootCamera: async () => null,
    async setCameraClock() {
      offset = 40
      return null
    },
    async ptzMove(camera) {
      can(camera, 'ptz')
      return null
    },
    ptzStop: async () => null,
    async ptzPresets(camera) {
      can(camera, 'ptz')
      return presets
    },
    async ptzSavePreset(_, name, token) {
      const preset = { token: token ?? `p${(made += 1)}`, name, picture: fakeJpeg(3) }
      presets = token === null ? [...presets, preset] : presets.map((one) => (one.token === token ? preset : one))
      return preset
    },
    ptzGoToPreset: async () => null,
    async ptzRemovePreset(_, token) {
      presets = presets.filter((one) => one.token !== token)
      return null
    },
    ptzGoHome: async () => null,
    ptzSetHome: async () => null,
    async imaging(camera) {
      can(camera, 'imaging')
      return {
        settings,
        options: {
          brightness: range(0, 100),
          contrast: range(0, 100),
          saturation: range(0, 100),
          sharpness: range(0, 100),
          ir_cut: ['on', 'off', 'auto'],
          has_backlight_compensation: true,
          backlight_compensation_level: range(0, 100),
          has_wide_dynamic_range: true,
          wide_dynamic_range_level: range(0, 100),
          exposure: ['auto', 'manual'],
          exposure_time_us: range(100, 40_000),
          gain_db: range(0, 36),
          has_auto_white_balance: true,
          has_manual_white_balance: true,
          white_balance_red: range(0, 100),
          white_balance_blue: range(0, 100),
          has_autofocus: true,
        },
      }
    },
    async setImaging(camera, given) {
      can(camera, 'imaging')
      settings = { ...settings, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) }
      return null
    },
    async encoders(camera) {
      can(camera, 'encoder')
      const options = (codec: wire.Codec): wire.EncoderOptions => ({
        codec,
        resolutions: [[2560, 1440], [1920, 1080], [1280, 720], [640, 360]],
        quality: range(0, 100),
        fps: [1, 30],
        is_fps_range: true,
        bitrate_kbps: range(64, 16_384),
        gov_length: range(1, 400),
        profiles: ['Main', 'High'],
        has_constant_bitrate: true,
      })
      const whole = kindOf(home, camera) === 'whole'
      return encoders.slice(0, whole ? 2 : 1).map((one, i) => ({
        encoder: one,
        options: whole ? [options('h264'), options('h265')] : [options('h264')],
        used_for: [i === 0 ? 'main' : 'sub'] as wire.StreamRole[],
      }))
    },
    async setEncoder(_, given) {
      encoders = encoders.map((one) => (one.token === given.token ? given : one))
      return null
    },
    async osds(camera) {
      can(camera, 'osd')
      return {
        osds,
        options: { most: 4, most_plain_texts: 2, positions: ['UpperLeft', 'UpperRight', 'LowerLeft', 'LowerRight'], text_types: ['Plain', 'Date', 'Time', 'DateAndTime'], date_formats: ['yyyy-MM-dd', 'dd.MM.yyyy'], time_formats: ['HH:mm:ss'], font_sizes: range(16, 64), has_images: false },
      }
    },
    async setOsd(_, given) {
      osds = given.token === '' ? [...osds, { ...given, token: `o${(made += 1)}` }] : osds.map((one) => (one.token === given.token ? given : one))
      return null
    },
    async deleteOsd(_, given) {
      osds = osds.filter((one) => one.token !== given.token)
      return null
    },
    async masks(camera) {
      can(camera, 'masks')
      return { masks, options: { most: 8, most_corners: 8, kinds: ['Color', 'Pixelated'], is_rectangle_only: false, is_single_colour_only: true } }
    },
    async setMask(_, given) {
      masks = given.token === '' ? [...masks, { ...given, token: `m${(made += 1)}` }] : masks.map((one) => (one.token === given.token ? given : one))
      return null
    },
    async deleteMask(_, given) {
      masks = masks.filter((one) => one.token !== given.token)
      return null
    },
    stillPicture: async () => fakeStill(masks),
    async relays(camera) {
      can(camera, 'relays')
      return [
        { token: '1', momentary: true, is_idle_open: true },
        { token: '2', momentary: false, is_idle_open: true },
      ]
    },
    operateRelay: async () => null,
    async cameraUsers(camera) {
      can(camera, 'users')
      return usersOf(camera)
    },
    async setCameraUserPassword(camera) {
      users.set(camera, usersOf(camera))
      return null
    },
    async makeOwnAccount(camera) {
      own.add(camera)
      users.set(camera, [...usersOf(camera).map((one) => ({ ...one, in_use: false })), { name: 'hausrecht', level: 'operator', in_use: true }])
      return null
    },
    async deleteCameraUser(camera, user) {
      users.set(camera, usersOf(camera).filter((one) => one.name !== user))
      return null
    },
    async talk(camera) {
      if (kindOf(home, camera) !== 'whole') throw new WireError('camera_unsuitable', '551')
      return null
    },

    unknownTopics: async () => topics.filter(({ topic }) => mapped.every((one) => one.topic !== topic)),
    topicMap: async () => mapped,
    async mapTopic(topic, kind) {
      mapped = mapped.filter((one) => one.topic !== topic)
      if (kind !== null) mapped = [...mapped, { topic, kind }]
      topics = [...topics]
      return null
    },
    motionSettings: async (camera) => motion.get(camera) ?? { mode: 'auto', sensitivity: 5, zones: [] },
    async setMotionSettings(camera, given) {
      motion.set(camera, given)
      return null
    },
    notifyRules: async () => rules,
    async setNotifyRules(given) {
      rules = given
      return rules
    },
    async card(camera, from_us, to_us) {
      can(camera, 'recordings')
      return { spans: spansOf(from_us, to_us) }
    },
    async fetchFromCard(camera, _, from_us, to_us) {
      made += 1
      const id = `j${made}`
      jobs = [...jobs, { id, camera, from_us, to_us, done_us: 0, reason: 'asked', state: 'running', error: null }]
      emit('card_jobs', jobs)
      setTimeout(() => work(id), 400)
      return id
    },
    async stopCardJob(id) {
      jobs = jobs.map((job) => (job.id === id ? { ...job, state: 'stopped' } : job))
      emit('card_jobs', jobs)
      return null
    },
    cardJobs: async () => jobs,
    fillGaps: async (camera) => filling.has(camera),
    async setFillGaps(camera, on) {
      if (on) filling.add(camera)
      else filling.delete(camera)
      return null
    },
    async openCard(camera, recording, from_us) {
      can(camera, 'replay')
      const span = spansOf(from_us, from_us + 24 * HOUR)[0]
      if (span === undefined) throw new WireError('not_found', 'a picture of that time on the card does not exist')
      const idle = watched === null
      watched = { camera, recording, from_us: span.from_us, to_us: span.to_us, at_us: span.from_us, playing: true, ended: false, speed: 1, has_picture: true, error: null }
      if (idle) setTimeout(play, 250)
      return watched
    },
    async cardPlayer(order) {
      if (watched === null) throw new WireError('not_found', 'a card that is watched does not exist')
      if (order.do === 'play' || order.do === 'pause') watched = { ...watched, playing: order.do === 'play' }
      if (order.do === 'seek') watched = { ...watched, at_us: order.to_us, ended: false }
      if (order.do === 'speed') watched = { ...watched, speed: order.speed }
      emit('card_player', watched)
      return null
    },
    async closeCard() {
      watched = null
    },
    notificationServer: async () => ({ name: 'gnome-shell', clicks: true, sounds: true }),
  }
}
