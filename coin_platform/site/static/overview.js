// The charts of the market overview, and the tables behind them.
"use strict";
site.when("overview").then((market) => {
  const HOUR = 3600e3;
  const cap = market.total_market_cap, volume = market.total_volume_24h;
  const closes = cap.map((_, n) => market.start + n * market.step);
  const texts = (values, form) => values.map((value) => form(value));

  function line(x, y, colour, form) {
    return {
      type: "scatter", mode: "lines+markers", x, y, connectgaps: false,
      line: { color: colour, width: 2 }, marker: { color: colour, size: charts.alone(y) },
      customdata: texts(y, form), hovertemplate: "%{customdata}<extra></extra>",
    };
  }

  charts.ranges([1, 7, 30, 90], (cap.length * market.step) / (24 * HOUR), (days) => {
    const from = Math.max(0, cap.length - Math.round((days * 24 * HOUR) / market.step));
    const x = closes.slice(from).map(charts.utc);
    const ends = [closes[from] - market.step / 2, closes.at(-1) + market.step / 2].map(charts.utc);
    charts.draw("chart-cap", (c) => {
      const caps = cap.slice(from), volumes = volume.slice(from);
      return {
        traces: [
          line(x, caps, c.accent, numbers.amount),
          {
            type: "bar", x, y: volumes, yaxis: "y2", marker: { color: c.soft },
            customdata: texts(volumes, numbers.amount), hovertemplate: "volume %{customdata}<extra></extra>",
          },
          ...charts.areas(x, caps, c.fill),
        ],
        axes: {
          xaxis: { range: ends },
          yaxis: { ...charts.axis(caps, numbers.amount), domain: [0.32, 1] },
          yaxis2: { ...charts.axis(volumes, numbers.amount, { zero: true, wanted: 2 }), domain: [0, 0.24] },
        },
      };
    });
    charts.draw("chart-dominance", (c) => {
      const first = market.largest_dominance.slice(from), second = market.second_dominance.slice(from);
      return {
        traces: [line(x, first, c.accent, numbers.percent), line(x, second, c.second, numbers.percent)],
        axes: { xaxis: { range: ends }, yaxis: charts.axis([...first, ...second], numbers.percent) },
      };
    });
  });

  const legend = document.getElementById("legend-dominance");
  for (const [place, mark] of [["largest", "first"], ["second", "second"]]) {
    legend.append(site.make("li", { class: mark }, site.make("bdi", {}, market.leaders[place] || `the ${place}`)));
  }

  const newestFirst = closes.map((_, n) => closes.length - 1 - n);
  tables.behind("cap", ["Hour closed at", "Market cap", "Volume, 24 hours", "Coins"], () =>
    newestFirst.map((n) => [
      site.instant(closes[n]),
      tables.number(cap[n], numbers.amount),
      tables.number(volume[n], numbers.amount),
      tables.number(market.coins[n], numbers.quantity),
    ]),
  );
  tables.behind("dominance", ["Hour closed at", "Largest coin", "Second largest"], () =>
    newestFirst.map((n) => [
      site.instant(closes[n]),
      tables.number(market.largest_dominance[n], numbers.percent),
      tables.number(market.second_dominance[n], numbers.percent),
    ]),
  );
});
