// Draws how agents, identities, and systems hang together. The list under it says the same.
const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const SHAPES = { agent: "round-rectangle", identity: "ellipse", credential: "diamond", system: "hexagon", permission: "tag", person: "octagon" }
const LEVELS = { read: "--cs-read", write: "--cs-write", admin: "--cs-admin" }

export function start(figure) {
  const told = JSON.parse(document.getElementById(figure.dataset.graph).textContent)
  const box = figure.querySelector(".graph")
  box.hidden = false
  figure.querySelector("details").open = false
  const graph = window.cytoscape({
    container: box, elements: elements(told), style: look(), layout: layout(box),
    minZoom: 0.3, maxZoom: 2, userZoomingEnabled: false, autoungrabify: true,
  })
  if (graph.zoom() > 1.25) graph.zoom(1.25).center()
  graph.on("tap", "node[href]", ({ target }) => location.assign(target.data("href")))
  graph.on("mouseover", "node[href]", () => { box.classList.add("is-link") })
  graph.on("mouseout", "node", () => { box.classList.remove("is-link") })
  document.addEventListener("theme:changed", function again() {
    if (box.isConnected) return graph.style(look())
    document.removeEventListener("theme:changed", again)
    graph.destroy()
  })
}

function elements({ nodes, edges }) {
  return [
    ...nodes.map((node) => ({ data: { ...node, shape: SHAPES[node.kind] ?? "ellipse" } })),
    ...edges.map(({ from, to, label, level }) => ({ data: { source: from, target: to, label: label ?? "", level } })),
  ]
}

// Kinds stand in columns, so that a path reads from the agent to what it reaches.
function layout(box) {
  return { name: "breadthfirst", directed: true, padding: 24, spacingFactor: 1.1,
    transform: (node, { x, y }) => box.clientWidth > 600 ? { x: y * 1.6, y: x * 0.6 } : { x, y } }
}

function look() {
  const ink = tone("--cs-ink")
  const line = tone("--cs-quiet")
  return [
    { selector: "node", style: {
      shape: "data(shape)", label: "data(label)", color: ink, "font-size": 12, "text-valign": "bottom",
      "text-margin-y": 5, "text-background-color": tone("--cs-surface"), "text-background-opacity": 0.85,
      "text-background-padding": 2, "text-wrap": "wrap", "text-max-width": 130, width: 26, height: 26,
      "background-color": tone("--cs-surface"), "border-width": 2, "border-color": line } },
    { selector: 'node[kind = "agent"]', style: { "border-color": tone("--cs-reduce"), width: 32, height: 32 } },
    { selector: "edge", style: {
      width: 1.5, "line-color": line, "target-arrow-color": line, "target-arrow-shape": "triangle",
      "curve-style": "bezier", "arrow-scale": 0.8, label: "data(label)", "font-size": 10, color: ink,
      "text-background-color": tone("--cs-surface"), "text-background-opacity": 1, "text-background-padding": 2 } },
    ...Object.entries(LEVELS).map(([level, name]) => ({
      selector: `edge[level = "${level}"]`,
      style: { "line-color": tone(name), "target-arrow-color": tone(name), width: level === "read" ? 1.5 : 2.5 } })),
  ]
}
