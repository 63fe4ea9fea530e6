// Where the window is, as the part of its address after `#`.

/** A screen, and what it is about. A clip's `atUs` is a time of day, in microseconds since 1970, not a position in it. */
export type Route =
  | { screen: 'live'; camera?: string }
  | { screen: 'add-camera' }
  | { screen: 'clips' }
  | { screen: 'clip'; id: string; atUs?: number }
  | { screen: 'together'; atUs: number }
  | { screen: 'people' }
  | { screen: 'log'; person?: string; entry?: number }
  | { screen: 'settings' }
  | { screen: 'camera'; id: string; part?: string }

/** The address of a route. */
export function hashOf(route: Route): string {
  switch (route.screen) {
    case 'clip':
      return `#/clip/${route.id}${route.atUs === undefined ? '' : `?at=${route.atUs}`}`
    case 'together':
      return `#/together?at=${route.atUs}`
    case 'log': {
      const query = new URLSearchParams()
      if (route.person !== undefined) query.set('person', route.person)
      if (route.entry !== undefined) query.set('entry', String(route.entry))
      const text = query.toString()
      return text === '' ? '#/log' : `#/log?${text}`
    }
    case 'camera':
      return `#/cameras/${route.id}${route.part === undefined ? '' : `/${route.part}`}`
    case 'live':
      return route.camera === undefined ? '#/live' : `#/live/${route.camera}`
    case 'add-camera':
    case 'clips':
    case 'people':
    case 'settings':
      return `#/${route.screen}`
  }
}

/** The route of an address; anything unknown is the live screen. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [screen, id, part] = path.split('/')
  const params = new URLSearchParams(query)
  switch (screen) {
    case 'clip': {
      const at = Number(params.get('at') ?? NaN)
      if (!id) return { screen: 'clips' }
      return Number.isFinite(at) ? { screen: 'clip', id, atUs: at } : { screen: 'clip', id }
    }
    case 'log': {
      const person = params.get('person')
      const entry = params.get('entry')
      return { screen: 'log', ...(person ? { person } : {}), ...(entry ? { entry: Number(entry) } : {}) }
    }
    case 'cameras':
      if (!id) return { screen: 'settings' }
      return part ? { screen: 'camera', id, part } : { screen: 'camera', id }
    case 'clips':
      // Notifications name a clip below the list.
      return id ? { screen: 'clip', id } : { screen: 'clips' }
    case 'together': {
      const at = Number(params.get('at') ?? NaN)
      return Number.isFinite(at) ? { screen: 'together', atUs: at } : { screen: 'clips' }
    }
    case 'people':
    case 'settings':
    case 'add-camera':
      return { screen }
    default:
      return screen === 'live' && id ? { screen: 'live', camera: id } : { screen: 'live' }
  }
}
