// The bench by keyboard: items are walked, choices are picked, drafts say that they are kept.
import { act, TYPING } from "./act-keys.js"

// Within a group of choices the arrows choose, as everywhere.
const CHOOSING = "input[type=radio]"
const PICKS = new Set(["k", "n", "r", "t", "a"])
const ACTS = new Set(["q", "m", "u"])
const DAYS = { 1: 30, 2: 90, 3: 180 }

export function start(bench) {
  const heard = new AbortController()
  const listen = (name, act, more) =>
    document.addEventListener(name, act, { signal: heard.signal, ...more })
  const alive = (act) => (event) => (bench.isConnected ? act(event) : heard.abort())
  listen("keydown", alive((event) => pressed(bench, event)))
  listen("draft:saved", alive(({ detail }) => saved(detail)))
  listen("htmx:beforeSwap", alive(({ detail }) => remember(detail)))
  listen("htmx:beforeSwap", alive(({ detail }) => spare(detail)))
  listen("htmx:sendError", alive(({ detail }) => failed(detail.elt, "Countersign cannot be reached.")))
  listen("htmx:timeout", alive(({ detail }) => failed(detail.elt, "Countersign did not answer in time.")))
  listen("htmx:responseError", alive(({ detail }) => refused(detail)))
  listen("htmx:beforeRequest", alive(({ detail }) => settled(formOf(detail.elt))))
  listen("session:lost", alive(({ target }) => waits(target, "You were signed out. It is saved once you have signed in again.")))
  listen("session:back", alive(() => retryAll()))
  listen("visibilitychange", alive(() => document.hidden || retryAll()))
  addEventListener("online", () => retryAll(), { signal: heard.signal })
  addEventListener("beforeunload", (event) => kept().length && event.preventDefault(), { signal: heard.signal })
  listen("htmx:afterSettle", alive(() => restore()))
  listen("change", alive(({ target }) => opened(target)))
  // Before the form is sent, which the same change does.
  listen("change", alive(({ target }) => meant(target)), { capture: true })
}

const items = (bench) => [...bench.querySelectorAll("[data-item]")]
const current = () => document.activeElement?.closest("[data-item]")

function pressed(bench, event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return submitAll(event)
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return
  const item = current()
  if (event.target.closest(TYPING)) {
    if (event.key === "Escape" && item) item.focus()
    return
  }
  if (event.key.startsWith("Arrow") && event.target.closest(CHOOSING)) return
  if (event.key === "ArrowDown" || event.key === "j") return walk(bench, item, 1, event)
  if (event.key === "ArrowUp" || event.key === "J") return walk(bench, item, -1, event)
  if (!item) return
  const key = event.key.toLowerCase()
  if (PICKS.has(key)) return pick(item, key, event)
  if (ACTS.has(key)) return act(item, key, event)
  if (DAYS[key]) return keepFor(item, DAYS[key], event)
  if (event.key === "Enter" && event.target === item) return keepAndGoOn(bench, item, event)
}

function walk(bench, item, step, event) {
  const all = items(bench)
  if (!all.length) return
  event.preventDefault()
  const at = item ? all.indexOf(item) + step : 0
  const next = all[Math.min(Math.max(at, 0), all.length - 1)]
  next.focus({ preventScroll: true })
  reveal(next)
}

// At once: what glides is missed by the finger that is on its way to it.
function reveal(element) {
  element.scrollIntoView({ block: "nearest", behavior: "instant" })
}

function pick(item, key, event) {
  const radio = item.querySelector(`[data-pick="${key}"]`)
  if (!radio) return
  event.preventDefault()
  if (radio.checked) opened(radio)
  else radio.click()
}

function keepFor(item, days, event) {
  const radio = item.querySelector(`[name=days][value="${days}"]:enabled`)
  if (!radio || !item.querySelector("[name=outcome][value=keep]:checked")) return
  event.preventDefault()
  radio.click()
  item.focus()
}

function keepAndGoOn(bench, item, event) {
  const form = item.querySelector("form.choice")
  if (!form?.querySelector("[name=outcome]:checked")) return
  event.preventDefault()
  form.requestSubmit()
  walk(bench, item, 1, event)
}

// Words still under the hands are kept first; the dialog opens once they are.
let submits = false
function submitAll(event) {
  if (document.querySelector("dialog[open]")) return
  event.preventDefault()
  const typed = current()?.querySelector("form.choice")
  submits = Boolean(typed?.querySelector("[name=outcome]:checked"))
  if (submits) typed.requestSubmit()
  else document.getElementById("bench-submit")?.click()
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!submits || detail.elt.id !== "bench-progress") return
  submits = false
  document.getElementById("bench-submit")?.click()
})

// A chosen outcome opens its panel; what has to be typed is next under the hands.
function opened(target) {
  if (target.name !== "outcome") return
  const item = target.closest("[data-item]")
  const reason = item.querySelector("textarea")
  reveal(item.querySelector("[data-panel]"))
  if (reason && matchMedia("(pointer: fine)").matches) reason.focus()
}

// Who ticks an action means to narrow to actions.
function meant(target) {
  if (target.name !== "actions") return
  target.form.querySelector("[name=narrow_to][value=actions]").checked = true
}

function saved({ item, version, says, missing }) {
  const card = document.getElementById(`item-${item}`)
  if (!card) return
  for (const field of card.querySelectorAll("[name=version]")) field.value = version
  card.querySelector("[data-draft]").hidden = false
  card.querySelector("[data-says]").textContent = says
  card.querySelector("[data-missing]").textContent = missing
  card.classList.add("is-done")
  const form = card.querySelector("form.choice")
  settled(form)
  unsaved.delete(form)
  form.querySelector("[data-unsaved]").hidden = true
}

// A draft that cannot be saved says so, keeps its words, and is tried again until it is.
const unsaved = new Map()
const WAITS = [2, 4, 8, 15, 30]
const kept = () => [...unsaved.keys()].filter((form) => form.isConnected)
const formOf = (element) => element.closest?.("form.choice")

function failed(element, why) {
  const form = formOf(element)
  if (!form) return
  const times = unsaved.get(form)?.times ?? 0
  const seconds = WAITS[Math.min(times, WAITS.length - 1)]
  tell(form, `Not saved yet. ${why} Your words are kept here, and tried again.`)
  unsaved.set(form, { times: times + 1, timer: setTimeout(() => retry(form), seconds * 1000) })
}

// Nothing is tried again until the reader is signed in.
function waits(element, why) {
  const form = formOf(element)
  if (!form) return
  tell(form, `Not saved yet. ${why}`)
  unsaved.set(form, { times: 0 })
}

function refused({ elt, xhr }) {
  const form = formOf(elt)
  if (!form) return
  if (xhr.status >= 500) return failed(elt, `Countersign failed (${xhr.status}).`)
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html")
  if (page.querySelector("[data-stale]")) return waits(elt, "You signed in again since this page was opened.")
  const gone = xhr.status === 404 ? "It is not assigned to you any more." : ""
  const reason = gone || page.querySelector("[data-reason]")?.textContent.trim()
  unsaved.set(form, { times: 0 })
  tell(form, `Not saved: ${reason || `it was refused (${xhr.status}).`} Your words are still here.`)
}

function tell(form, text) {
  const line = form.querySelector("[data-unsaved]")
  line.textContent = text
  line.hidden = false
}

function settled(form) {
  if (!form || !unsaved.has(form)) return
  clearTimeout(unsaved.get(form).timer)
  unsaved.set(form, { times: unsaved.get(form).times })
}

function retryAll() {
  for (const form of kept()) retry(form)
}

function retry(form) {
  if (form.isConnected) form.requestSubmit()
}

// Words that are nowhere else are not drawn over, whatever else is drawn anew.
function spare(detail) {
  const open = kept().filter((form) => detail.target.contains(form))
  if (open.length && !open.includes(detail.requestConfig.elt)) detail.shouldSwap = false
}

// A region that is drawn anew keeps the reader's place.
let place = ""
function remember({ target }) {
  const item = current()
  if (item && (target === item || target.contains(item))) place = item.id
}
function restore() {
  if (place && document.activeElement === document.body) document.getElementById(place)?.focus()
  place = ""
}
