// The page of one coin: `coin.html#1` shows the coin of id 1. Its closed days are a file of their
// own, which all releases of a day share; the newest day's candle stands among some others'.
"use strict";
(() => {
  const { make } = site;
  const DAY = 24 * 3600e3;
  const FEWEST_SLOTS = 14; // a few candles alone would be as wide as the chart
  const CANDLE = ["open", "high", "low", "close", "average_volume_24h", "market_cap", "hours"];
  const problem = document.getElementById("problem");

  function fail(text) {
    problem.textContent = text;
    problem.hidden = false;
  }

  function card(label, value, form, note, direction = "flat") {
    return make(
      "article",
      { class: "card" },
      make("h2", {}, label),
      make("p", { class: "value" }, make("data", { value: String(value ?? ""), title: String(value ?? "") }, form(value))),
      make("p", { class: `moved ${direction}` }, note),
    );
  }

  // The days as one: the closed ones, then the newest, of which a coin may have nothing.
  function whole(past, newest, id) {
    const today = newest.coins[id];
    if (!past && !today) return null;
    const series = (name) => [...(past?.[name] ?? []), today?.[name] ?? null];
    return {
      ...past,
      ...today,
      start: past?.start ?? newest.day,
      ...Object.fromEntries(CANDLE.map((name) => [name, series(name)])),
    };
  }

  function show(coin) {
    const last = coin.close.length - 1;
    const days = coin.close.map((_, n) => new Date(Date.parse(coin.start) + n * DAY).toISOString().slice(0, 10));
    document.title = document.title.replace(/^[^·]*/, `${coin.name || `coin ${coin.id}`} `);
    document.getElementById("name").textContent = coin.name || `coin ${coin.id}`;
    document.getElementById("symbol").textContent = coin.symbol;
    document.getElementById("coin-id").textContent = `Id ${coin.id}. `;

    if (coin.close[last] === null) {
      const known = coin.close.findLastIndex((price) => price !== null);
      fail(`This coin has no price on ${days[last]}; its last one is of ${days[known]}.`);
    }
    const newest = coin.close.findLastIndex((price) => price !== null);
    const change = coin.open[newest] > 0 ? (coin.close[newest] / coin.open[newest] - 1) * 100 : null;
    const direction = change > 0 ? "up" : change < 0 ? "down" : "flat";
    document.getElementById("cards").replaceChildren(
      card("Price", coin.close[newest], numbers.price, `${numbers.change(change)} since the day opened`, direction),
      card("Market cap", coin.market_cap[newest], numbers.amount, `${numbers.percent(coin.dominance)} of the whole market`),
      card("Volume, 24 hours", coin.average_volume_24h[newest], numbers.amount, "mean over the day's hours"),
      card(
        "Volatility, 7 days",
        coin.volatility === null ? null : coin.volatility * 100,
        numbers.percent,
        coin.volatility === null ? "needs four days in a row" : "deviation of daily returns",
      ),
    );
    document.getElementById("coin").hidden = false;
    charts.ranges([7, 30, 90], days.length, (wanted) => draw(coin, days, Math.max(0, days.length - wanted)));

    tables.behind("candles", ["Day", "Open", "High", "Low", "Close", "Volume, 24 h", "Market cap", "Hours"], () =>
      days
        .map((day, n) => [
          day,
          ...["open", "high", "low", "close"].map((name) => tables.number(coin[name][n], numbers.price)),
          tables.number(coin.average_volume_24h[n], numbers.amount),
          tables.number(coin.market_cap[n], numbers.amount),
          tables.number(coin.hours[n], numbers.quantity),
        ])
        .reverse(),
    );
  }

  function draw(coin, days, from) {
    const of = (name) => coin[name].slice(from);
    const x = days.slice(from);
    const text = x.map((_, n) =>
      ["open", "high", "low", "close"].map((name) => `${name} ${numbers.price(of(name)[n])}`).join("<br>"),
    );
    const end = Date.parse(x[x.length - 1]) + DAY / 2;
    const start = Math.min(Date.parse(x[0]) - DAY / 2, end - FEWEST_SLOTS * DAY);
    charts.draw("chart-candles", (c) => ({
      traces: [
        {
          type: "candlestick", x, open: of("open"), high: of("high"), low: of("low"), close: of("close"),
          text, hoverinfo: "text",
          increasing: { line: { color: c.up, width: 1.5 }, fillcolor: c.panel },
          decreasing: { line: { color: c.down, width: 1.5 }, fillcolor: c.down },
        },
        {
          type: "bar", x, y: of("average_volume_24h"), yaxis: "y2", marker: { color: c.soft },
          customdata: of("average_volume_24h").map(numbers.amount), hovertemplate: "volume %{customdata}<extra></extra>",
        },
      ],
      axes: {
        xaxis: { range: [start, end].map(charts.utc), rangeslider: { visible: false }, hoverformat: "%d %b %Y" },
        yaxis: { ...charts.axis([...of("high"), ...of("low")], numbers.price), domain: [0.32, 1] },
        yaxis2: { ...charts.axis(of("average_volume_24h"), numbers.amount, { zero: true, wanted: 2 }), domain: [0, 0.24] },
      },
    }));
  }

  const id = location.hash.slice(1);
  addEventListener("hashchange", () => location.reload());
  if (!/^[1-9]\d{0,17}$/.test(id)) {
    fail("No coin was asked for: choose one from the list of all coins.");
    return;
  }
  const { history, parts } = document.getElementById("coin").dataset;
  const part = BigInt(id) % BigInt(parts);
  const load = (name, file) => site.script(file).then(() => site.when(name));
  Promise.all([
    load(`history/${id}`, `${history}/${id}.js`).catch(() => null), // it is new, or unknown
    load(`newest/${part}`, `data/newest/${part}.js`),
  ])
    .then(([past, newest]) => {
      const coin = whole(past, newest, id);
      if (coin) show(coin);
      else fail(`There is no coin of id ${id} on this page.`);
    })
    .catch((error) => fail(error.message));
})();
