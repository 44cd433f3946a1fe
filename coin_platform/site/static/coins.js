// The list of coins: searched and sorted whole, shown a part at a time.
"use strict";
site.when("coins").then((coins) => {
  const { make } = site;
  const PART = 100;
  const ID = 0, NAME = 1, SYMBOL = 2, PRICE = 3, DAY = 4, WEEK = 5, CAP = 6, VOLUME = 7, VOLATILITY = 8, LINE = 9;
  const percentOf = (value) => numbers.percent(value === null ? null : value * 100);
  const columns = [
    { label: "#", key: (row) => row.rank, first: 1, cell: (row) => make("td", { class: "n rank" }, String(row.rank)) },
    { label: "Coin", key: (row) => row[NAME].toLowerCase(), first: 1, text: true, cell: coin },
    { label: "Price", key: (row) => row[PRICE], cell: (row) => tables.number(row[PRICE], numbers.price) },
    { label: "Today", key: (row) => row[DAY], cell: (row) => tables.changed(row[DAY]) },
    { label: "7 days", key: (row) => row[WEEK], cell: (row) => tables.changed(row[WEEK]) },
    { label: "Market cap", key: (row) => row[CAP], cell: (row) => tables.number(row[CAP], numbers.amount) },
    { label: "Volume, 24 h", key: (row) => row[VOLUME], cell: (row) => tables.number(row[VOLUME], numbers.amount) },
    { label: "30 days", cell: (row) => make("td", { class: "n" }, tables.spark(row[LINE])) },
    { label: "Volatility, 7 days", key: (row) => row[VOLATILITY], cell: (row) => tables.number(row[VOLATILITY], percentOf) },
  ];
  coins.forEach((row, place) => {
    row.rank = place + 1;
    row.search = `${row[NAME]} ${row[SYMBOL]} ${row[ID]}`.toLowerCase();
  });

  const head = document.querySelector("#coins thead tr");
  const body = document.querySelector("#coins tbody");
  const more = document.getElementById("more");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  let sorted = { column: columns[0], way: 1 };
  let rows = coins;

  function coin(row) {
    return make(
      "th",
      { scope: "row" },
      make(
        "a",
        { class: "coin", href: `coin.html#${row[ID]}` },
        make("bdi", {}, row[NAME] || `coin ${row[ID]}`),
        " ",
        make("bdi", { class: "symbol" }, row[SYMBOL]),
      ),
    );
  }

  function add() {
    const next = rows.slice(body.rows.length, body.rows.length + PART);
    body.append(...next.map((row) => make("tr", {}, ...columns.map((column) => column.cell(row)))));
    more.hidden = body.rows.length >= rows.length;
    found.textContent =
      rows.length === coins.length
        ? `${numbers.quantity(coins.length)} coins`
        : `${numbers.quantity(rows.length)} of ${numbers.quantity(coins.length)} coins`;
  }

  // What has no number comes last, whichever way.
  function compare(left, right) {
    const a = sorted.column.key(left), b = sorted.column.key(right);
    if (a === null || b === null) return (a === null) - (b === null);
    return (a < b ? -1 : a > b ? 1 : 0) * sorted.way || left.rank - right.rank;
  }

  function show() {
    const wanted = search.value.trim().toLowerCase();
    rows = coins.filter((row) => row.search.includes(wanted)).sort(compare);
    body.replaceChildren();
    add();
    for (const column of columns) {
      if (column.key) {
        const way = column === sorted.column ? (sorted.way > 0 ? "ascending" : "descending") : "none";
        column.heading.setAttribute("aria-sort", way);
      }
    }
  }

  for (const column of columns) {
    column.heading = make("th", { scope: "col", class: column.text ? "" : "n" });
    if (column.key) {
      const button = make("button", { type: "button", class: "sort" }, column.label);
      button.addEventListener("click", () => {
        const way = sorted.column === column ? -sorted.way : (column.first ?? -1);
        sorted = { column, way };
        show();
      });
      column.heading.append(button);
    } else {
      column.heading.append(column.label);
    }
    head.append(column.heading);
  }

  search.addEventListener("input", show);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", add);
  new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting) && !more.hidden) add();
  }, { rootMargin: "600px" }).observe(more);
  show();
});
