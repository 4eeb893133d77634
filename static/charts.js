// Draws a chart from the JSON beside it. The table under it says the same, and needs no script.
const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const TONES = { keep: "--cs-keep", reduce: "--cs-reduce", revoke: "--cs-revoke", write: "--cs-write", quiet: "--cs-read" }
const ORDER = ["reduce", "write", "keep", "revoke", "quiet"]

export function start(figure) {
  const told = JSON.parse(document.getElementById(figure.dataset.chart).textContent)
  const box = figure.querySelector(".chart")
  box.hidden = false
  figure.querySelector("details").open = false
  const chart = window.echarts.init(box, null, { renderer: "canvas" })
  const draw = () => chart.setOption(options(told), true)
  draw()
  const resizing = new ResizeObserver(() => chart.resize())
  resizing.observe(box)
  document.addEventListener("theme:changed", function again() {
    if (box.isConnected) return draw()
    document.removeEventListener("theme:changed", again)
    chart.dispose()
  })
}

function options({ labels, series, unit }) {
  const text = tone("--cs-quiet")
  const said = unit === "%" ? "%" : unit ? ` ${unit}` : ""
  const most = unit === "%" ? { max: 100, interval: 25 } : { minInterval: 1 }
  const lines = { lineStyle: { color: tone("--cs-line") } }
  return {
    animation: false,
    grid: { left: 8, right: 12, top: series.length > 1 ? 34 : 14, bottom: 6, containLabel: true },
    legend: { show: series.length > 1, top: 0, left: 0, textStyle: { color: text }, icon: "roundRect" },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => `${value}${said}` },
    xAxis: { type: "category", data: labels, axisLabel: { color: text, hideOverlap: true }, axisLine: lines, axisTick: { show: false } },
    yAxis: { type: "value", min: 0, ...most, axisLabel: { color: text, formatter: unit === "%" ? "{value}%" : "{value}" }, splitLine: lines },
    series: series.map((one, index) => drawn(one, tone(TONES[one.tone ?? ORDER[index % ORDER.length]]))),
  }
}

function drawn({ name, values, kind }, color) {
  const line = kind !== "bar"
  return {
    name, data: values, type: line ? "line" : "bar", color, barMaxWidth: 28,
    showSymbol: values.length < 2, symbolSize: 6,
    areaStyle: line ? { opacity: 0.12 } : undefined, lineStyle: line ? { width: 2 } : undefined,
  }
}
