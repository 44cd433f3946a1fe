// Charts: Plotly, loaded after the page has been painted, in the page's own colours. Only numbers
// and days are handed to it: it reads markup in texts.
"use strict";
window.charts = (() => {
  const { make } = site;
  const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, scrollZoom: false };
  const drawn = new Map();
  let library = null;

  function plotly() {
    library ??= new Promise((resolve) => {
      const soon = window.requestIdleCallback ?? ((then) => setTimeout(then, 1));
      const start = () => soon(() => resolve(site.script(document.body.dataset.plotly)));
      if (document.readyState === "complete") start();
      else addEventListener("load", start);
    }).then(() => window.Plotly);
    return library;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["ink", "muted", "grid", "panel", "accent", "second", "up", "down", "soft", "fill"];
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  // An instant as Plotly is to take it. Numbers and dates it would show in the reader's own time.
  const utc = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");

  // About so many round numbers across a range.
  function ticks(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high * (1 + 1e-12) && found.length < 20; n++) {
      found.push(n * step);
    }
    return found;
  }

  // An axis that holds these values, with numbers for people beside it.
  function axis(values, form, { zero = false, wanted = 4 } = {}) {
    const known = values.filter((value) => value !== null);
    let low = zero ? 0 : Math.min(...known), high = Math.max(...known);
    if (!known.length) [low, high] = [0, 1];
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.01 || 1;
    const range = [zero ? 0 : low - margin, high + margin];
    const tickvals = ticks(...range, wanted);
    const texts = tickvals.map(form);
    // Digits behind the point that are 0 on every tick say nothing.
    const isRound = texts.every((text) => /\.00( |$)/.test(text) || !/\d\.\d/.test(text));
    const ticktext = isRound ? texts.map((text) => text.replace(/\.00( |$)/, "$1")) : texts;
    return { range, tickvals, ticktext, tickmode: "array", fixedrange: true };
  }

  function layout(axes) {
    const c = colours();
    const line = { gridcolor: c.grid, zeroline: false, linecolor: c.grid, tickfont: { color: c.muted, size: 12 } };
    const shared = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", color: c.ink, size: 13 },
      margin: { l: 8, r: 8, t: 8, b: 8 },
      hovermode: "x",
      hoverlabel: { bgcolor: c.panel, bordercolor: c.grid, font: { color: c.ink } },
      dragmode: false,
      showlegend: false,
      xaxis: { ...line, type: "date", fixedrange: true, automargin: true, showgrid: false, anchor: axes.yaxis2 ? "y2" : "y", hoverformat: "%d %b %Y, %H:%M", ...axes.xaxis },
    };
    for (const [name, own] of Object.entries(axes)) {
      if (name !== "xaxis") shared[name] = { ...line, automargin: true, ...own };
    }
    return shared;
  }

  // A point between two gaps has no line: it is drawn as a dot.
  function alone(values) {
    return values.map((value, n) =>
      value !== null && (values[n - 1] ?? null) === null && (values[n + 1] ?? null) === null ? 5 : 0,
    );
  }

  // The areas below a line, one for each unbroken part of it: a single one would span the gaps.
  function areas(x, y, colour) {
    const parts = [];
    y.forEach((value, n) => {
      if (value === null) return;
      if ((y[n - 1] ?? null) === null) parts.push({ x: [], y: [] });
      parts.at(-1).x.push(x[n]);
      parts.at(-1).y.push(value);
    });
    return parts.map((part) => ({
      ...part, type: "scatter", mode: "lines", line: { width: 0 }, fill: "tozeroy", fillcolor: colour, hoverinfo: "skip",
    }));
  }

  // Draws now and again when the theme changes; `build` gives traces and axes for these colours.
  async function draw(id, build) {
    drawn.set(id, build);
    const { react } = await plotly();
    if (drawn.get(id) !== build) return;
    const { traces, axes } = build(colours());
    await react(document.getElementById(id), traces, layout(axes), CONFIG);
  }

  document.addEventListener("theme", () => {
    for (const [id, build] of drawn) draw(id, build);
  });

  // Buttons that choose how many days are shown; those beyond what there is are left out.
  function ranges(offered, days, choose) {
    const choices = offered.filter((choice) => choice < days);
    const place = document.querySelector("[data-ranges]");
    const buttons = [...choices, null].map((choice) => {
      const label = choice === null ? "All" : choice === 1 ? "1 day" : `${choice} days`;
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", () => pick(choice));
      place.append(button);
      return [choice, button];
    });
    function pick(choice) {
      for (const [of, button] of buttons) button.setAttribute("aria-pressed", String(of === choice));
      choose(choice ?? Infinity);
    }
    place.hidden = choices.length === 0;
    pick(null);
  }

  return { draw, axis, alone, areas, ranges, utc };
})();
