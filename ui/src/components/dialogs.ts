// What the window does around its dialogs: who had the focus before, and that the window's own keys rest meanwhile.

/** What opened the dialog before; one that opens in its place was opened from there, too. */
let opener: HTMLElement | null = null

/** Whether a dialog is open: then the window's own keys do nothing. */
export function isDialogOpen(): boolean {
  return document.querySelector('dialog[open]') !== null
}

/** Remembers what has the focus; the returned function gives it back once the dialog is gone. */
export function keepFocus(): () => void {
  const active = document.activeElement
  const had = active instanceof HTMLElement && active !== document.body ? active : null
  if (had !== null && had.closest('dialog') === null) opener = had
  const first = opener
  return () => {
    // The dialog leaves the page first; another one may have come in its place and has the focus then.
    queueMicrotask(() => {
      if (isDialogOpen() && had?.closest('dialog') == null) return
      const to = [had, first].find((one) => one?.isConnected)
      to?.focus({ preventScroll: true })
    })
  }
}
