// Starts the window: chooses the client, shows the app.

import '@fontsource-variable/inter/index.css'
import './theme/tokens.css'
import './theme/base.css'
import { mount } from 'svelte'
import AppView from './App.svelte'
import { tauriClient, type Client } from './ipc/client'
import { App } from './state/app.svelte'
import { Wall } from './state/wall.svelte'

/** Outside the desktop shell, and only while developing, a client in memory stands in. */
async function chooseClient(): Promise<Client> {
  if (import.meta.env.DEV && !('__TAURI_INTERNALS__' in window)) {
    const { memoryClient } = await import('./ipc/memory')
    return memoryClient(new URLSearchParams(location.search))
  }
  return tauriClient()
}

const client = await chooseClient()
const app = new App(client)
const wall = new Wall(client)
const target = document.getElementById('app')
if (target === null) throw new Error('the page has no #app')
await app.start()
mount(AppView, { target, props: { app, wall } })
