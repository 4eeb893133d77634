// Before the first paint: the colours asked for, or those of the reader's system.
{
  const root = document.documentElement
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const paint = () => {
    root.dataset.bsTheme = localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light")
  }
  root.classList.add("js")
  dark.addEventListener("change", paint)
  paint()
}
