// Tables made in the browser: cells with numbers for people, and the tables behind charts.
"use strict";
window.tables = (() => {
  const { make } = site;

  // A cell of a number: as people read it, exactly as data and on hovering.
  function number(value, form, properties = {}) {
    const text = form(value);
    const cell = make("td", { class: "n", ...properties });
    cell.append(
      value === null || value === undefined
        ? text
        : make("data", { value: String(value), title: String(value) }, text),
    );
    return cell;
  }

  function changed(value) {
    return number(value, numbers.change, { class: `n ${value > 0 ? "up" : value < 0 ? "down" : "flat"}` });
  }

  function headings(labels) {
    return make(
      "tr",
      {},
      ...labels.map((label, place) => make("th", { scope: "col", class: place ? "n" : "" }, label)),
    );
  }

  // The table behind a chart is filled when it is first opened: it may be long.
  function behind(name, labels, rows) {
    const details = document.querySelector(`details[data-table="${name}"]`);
    const fill = () => {
      if (details.querySelector("table")) return;
      const body = make("tbody");
      for (const [when, ...cells] of rows()) {
        body.append(make("tr", {}, make("th", { scope: "row" }, when), ...cells));
      }
      details.append(
        make("div", { class: "scroll" }, make("table", {}, make("thead", {}, headings(labels)), body)),
      );
    };
    details.addEventListener("toggle", () => details.open && fill());
  }

  const NS = "http://www.w3.org/2000/svg";
  const STEP = 6, HEIGHT = 24;

  // A small line of daily closes, written as digits to base 36; "-" is a gap.
  function spark(digits) {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", `0 0 ${Math.max(digits.length - 1, 1) * STEP} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "spark");
    svg.setAttribute("aria-hidden", "true");
    let path = "", down = false;
    [...digits].forEach((digit, place) => {
      if (digit === "-") {
        down = false;
        return;
      }
      const y = HEIGHT - 2 - (parseInt(digit, 36) / 35) * (HEIGHT - 4);
      path += `${down ? "L" : "M"}${place * STEP} ${y.toFixed(1)}`;
      down = true;
    });
    const line = document.createElementNS(NS, "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  return { number, changed, behind, spark };
})();
