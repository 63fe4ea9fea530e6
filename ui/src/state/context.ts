// How components reach the window's state.

import { getContext, setContext } from 'svelte'
import type { App } from './app.svelte'
import type { Wall } from './wall.svelte'

const APP = Symbol('app')
const WALL = Symbol('wall')

export const provideApp = (app: App): App => setContext(APP, app)
export const useApp = (): App => getContext<App>(APP)
export const provideWall = (wall: Wall): Wall => setContext(WALL, wall)
export const useWall = (): Wall => getContext<Wall>(WALL)
