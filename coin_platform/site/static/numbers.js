// Numbers as people read them; coin_platform/site/numbers.py says the same and explains it.
"use strict";
(() => {
  const NONE = "–", MINUS = "\u2212", HUGE = 1e15, MOST_ZEROS = 3;
  const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"]];
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹", SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

  const scripted = (number, digits) =>
    String(number).replace("-", "⁻").replace(/\d/g, (digit) => digits[digit]);

  function exponential(size, places) {
    const [digits, exponent] = size.toExponential(places).split("e");
    return [digits.replace(".", ""), Number(exponent)];
  }

  function scientific(size) {
    const [digits, exponent] = exponential(size, 2);
    return `${digits[0]}.${digits.slice(1)} × 10${scripted(exponent, SUPERSCRIPTS)}`;
  }

  function fixed(size, places) {
    if (size >= HUGE) return scientific(size);
    const [whole, part] = size.toFixed(places).split(".");
    const apart = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return part === undefined ? apart : `${apart}.${part}`;
  }

  function plain(size) {
    if (size >= HUGE) return scientific(size);
    if (size === 0) return "0";
    const [digits, exponent] = exponential(size, 3);
    if (exponent >= 0) return fixed(size, 2);
    const zeros = -exponent - 1;
    if (zeros <= MOST_ZEROS) return `0.${"0".repeat(zeros)}${digits}`;
    return `0.0${scripted(zeros, SUBSCRIPTS)}${digits.slice(0, 2)}${digits.slice(2).replace(/0+$/, "")}`;
  }

  function compact(size) {
    if (size >= HUGE) return scientific(size);
    for (const [unit, name] of UNITS) {
      if (Number((size / unit).toFixed(2)) >= 1) return `${fixed(size / unit, 2)} ${name}`;
    }
    return size >= 1000 || Number.isInteger(size) ? fixed(size, 0) : plain(size);
  }

  function signed(value, form) {
    if (typeof value !== "number" || !Number.isFinite(value)) return NONE;
    const text = form(Math.abs(value));
    return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
  }

  const percent = (value) => signed(value, (size) => `${fixed(size, 2)} %`);

  window.numbers = Object.freeze({
    price: (value) => signed(value, (size) => `$${plain(size)}`),
    amount: (value) => signed(value, (size) => `$${compact(size)}`),
    quantity: (value) => signed(value, compact),
    percent,
    change: (value) => {
      const text = percent(value);
      return value > 0 && text !== NONE && text !== "0.00 %" ? `+${text}` : text;
    },
  });
})();
