"use strict";
// Draws every chart into its place, in the colours and at the width of the page, and again when these change.
(() => {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const hover = matchMedia("(hover: hover)").matches;
  const options = { renderer: "canvas", actions: { export: true, source: false, compiled: false, editor: false } };
  const views = [];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const [text, quiet, line] = ["--text", "--quiet", "--line"].map((name) => style.getPropertyValue(name).trim());
    const curves = dark.matches
      ? ["#82b7ea", "#f0936b", "#5fcfc2", "#c79ae0", "#e6c15c", "#c4c9cf"]
      : ["#1f5a94", "#c8552b", "#2a9d8f", "#8a5a9e", "#d9a02b", "#4d4d4d"];
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: line },
      axis: { labelColor: text, titleColor: text, gridColor: line, gridOpacity: 0.6, domainColor: quiet, tickColor: quiet,
        titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 12 },
      legend: { labelColor: text, titleColor: text, orient: "bottom", titleFontWeight: "normal", labelFontSize: 11, columns: 3,
        labelLimit: 140 },
      header: { labelColor: text, titleColor: text, labelOrient: "top", labelAnchor: "start" },
      bar: { color: curves[0] }, line: { color: curves[0] }, point: { color: curves[0] }, symbol: { fill: curves[0] },
      range: { category: curves },
    };
  }

  function fit(spec, width) {
    const fitted = structuredClone(spec);
    if (fitted.marks) { // Vega: the view in three dimensions, a square
      fitted.width = fitted.height = Math.max(220, Math.min(width - 20, 560));
      return fitted;
    }
    const mark = fitted.mark?.type;
    fitted.width = Math.max(160, Math.min(width - (mark === "bar" ? 130 : 75), 400));
    fitted.height = mark === "bar" ? { step: 24 } : Math.round(0.65 * fitted.width);
    if (hover && mark && mark !== "bar" && !fitted.encoding.row) {
      const zoom = "wheel![event.shiftKey]"; // the wheel alone scrolls the page
      fitted.params = [{ name: "zoom", select: { type: "interval", zoom }, bind: "scales" }];
    }
    return fitted;
  }

  async function draw() {
    delete document.documentElement.dataset.drawn;
    views.splice(0).forEach((view) => view.finalize());
    const config = colours();
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = specs[place.dataset.chart];
      const theme = dark.matches ? "dark" : "light";
      const bind = document.getElementById(place.dataset.controls) ?? undefined;
      bind?.replaceChildren();
      const all = { ...options, config, bind, tooltip: { theme } };
      const { view } = await vegaEmbed(place, fit(spec, place.clientWidth), all);
      views.push(view);
    }
    document.documentElement.dataset.drawn = String(views.length);
  }

  let width = innerWidth, timer;
  addEventListener("resize", () => {
    clearTimeout(timer);
    if (innerWidth !== width) timer = setTimeout(() => { width = innerWidth; draw(); }, 200);
  });
  dark.addEventListener("change", draw);
  draw();
})();
