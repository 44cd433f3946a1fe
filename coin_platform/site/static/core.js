// What every page does: take in data scripts, say how old the page is and whether it is held,
// and change between light and dark. Texts are set as text, never as markup.
"use strict";
window.site = (() => {
  const values = new Map();
  const waiting = new Map();
  const HOUR = 3600e3;
  const LATE_HOURS = 3;

  function data(name, value) {
    values.set(name, value);
    for (const resolve of waiting.get(name) ?? []) resolve(value);
    waiting.delete(name);
  }

  // The value that a data script hands over, now or later.
  function when(name) {
    if (values.has(name)) return Promise.resolve(values.get(name));
    return new Promise((resolve) => waiting.set(name, [...(waiting.get(name) ?? []), resolve]));
  }

  function script(source) {
    return new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = source;
      element.addEventListener("load", resolve);
      element.addEventListener("error", () => reject(new Error(`${source} is not there`)));
      document.head.append(element);
    });
  }

  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") element.className = value;
      else if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function words(milliseconds) {
    const hours = Math.floor(milliseconds / HOUR);
    if (hours < 2) return `${Math.max(0, Math.floor(milliseconds / 60e3))} minutes`;
    if (hours < 48) return `${hours} hours`;
    return `${Math.floor(hours / 24)} days`;
  }

  function instant(text) {
    return `${new Date(text).toLocaleString("en-GB", {
      timeZone: "UTC", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    })} UTC`;
  }

  function sayAge() {
    const closed = new Date(document.body.dataset.closed);
    const age = Date.now() - closed;
    const line = document.getElementById("age");
    if (line) line.textContent = document.body.dataset.page === "index" ? `${words(age)} ago; ` : `, ${words(age)} ago`;
    const card = document.getElementById("age-value");
    if (card) card.textContent = words(age);
    if (age > LATE_HOURS * HOUR) {
      banner("late", `The newest hour on this page closed ${words(age)} ago, at ${instant(closed)}.`);
    }
  }

  function banner(kind, text, reasons = [], link = null) {
    const box = make("div", { class: `banner ${kind}` }, make("p", {}, text));
    if (link) box.firstChild.append(" ", link);
    if (reasons.length) {
      box.append(make("ul", {}, ...reasons.map((reason) => make("li", {}, reason))));
    }
    document.getElementById("banner").append(box);
  }

  function sayState(pointer) {
    const { release, page } = document.body.dataset;
    if (pointer.release !== release) {
      const link = make("a", { href: `../../${page}.html${location.hash}` }, "Go to the current one");
      banner("other", "This is not the current release of the page.", [], link);
    }
    if (pointer.held) {
      banner(
        "held",
        `Held since ${instant(pointer.held.since)}: newer data has not passed its checks, so this page still shows what was good before.`,
        pointer.held.reasons,
      );
    }
  }

  function isDark() {
    const { theme } = document.documentElement.dataset;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function announceTheme() {
    document.dispatchEvent(new Event("theme"));
  }

  document.getElementById("theme").addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // It holds for this page only.
    }
    announceTheme();
  });
  for (const media of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(media).addEventListener("change", announceTheme);
  }

  sayAge();
  when("current").then(sayState);
  return { data, when, script, make, instant };
})();
