// Acts by keyboard: a letter presses what carries it in `data-act`, within whatever has the reader.
export const TYPING = "input:not([type=radio]):not([type=checkbox]), textarea, select, dialog[open]"

export const isTyping = (event) =>
  event.ctrlKey || event.metaKey || event.altKey ||
  document.querySelector("dialog[open]") || event.target.closest(TYPING)

export function act(within, key, event) {
  const does = within.querySelector(`[data-act="${CSS.escape(key)}"]`)
  if (!does || !does.offsetParent) return
  event.preventDefault()
  does.click()
}

// For a page with one set of choices: its region is drawn anew, so it is looked for at each key.
// A letter after g goes to a place, and is none of ours.
export function start(bar) {
  const heard = new AbortController()
  let going = false
  document.addEventListener("keydown", (event) => {
    if (!bar.isConnected) return heard.abort()
    if (isTyping(event)) return
    if (going) return void (going = false)
    if (event.key === "g") {
      going = true
      return void setTimeout(() => { going = false }, 1500)
    }
    act(bar, event.key.toLowerCase(), event)
  }, { signal: heard.signal })
}
