"""The coins of the simulated market: invented, but as awkward as the real ones.

What a coin is called and how much of it there is; what it is worth is `market.py`'s.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from coin_platform.simulator.noise import hashed, uniform

_LARGEST = (
    ("Alphacoin", "ALPHA", 61_000.0),
    ("Betachain", "BETA", 2_900.0),
    ("Dollaroid", "USDD", 1.0),
    ("Gammanet", "GAM", 560.0),
    ("Deltalana", "DELT", 140.0),
)
CHAINS = (1, 3, 4)  # positions of the coins that tokens live on
STABLE = 2

# Names and symbols that real coins have, or that break careless readers.
_AWKWARD = (
    ("Comma, Separated", "FCT,FCT2"),
    ('The "Quoted" One', 'QUO"TE'),
    ("Trailing Space ", "TRAIL "),
    ("TRUE", "TRUE"),
    ("42", "42"),
    ("00", "00"),
    ("NA", "NA"),
    ("NULL", "NULL"),
    ("null", "null"),
    ("NaN", "NaN"),
    ("None", "None"),
    ("( ͡° ͜ʖ ͡°)", "( ͡° ͜ʖ ͡°)"),
    ("<b>Bold</b> & <script>alert(1)</script>", "<B>"),
    ("O'Neill'); DROP TABLE coins; --", "O'N"),
    ("币安人生", "币安人生"),
    ("Émile 🚀", "🚀"),
    ("الدرهم", "درهم"),
    ("Back\\slash\\N", "\\N"),
    ("=1+1", "=SUM"),
    ("1e5", "1E5"),
    ("-0", "-0"),
    ("Zero\u200bWidth", "ZW\u200b"),
)
_AWKWARD_EVERY = 19  # so that the 500 largest hold them all
_TINY_PRICES = {61: 2.0052e-20, 333: 3.1e-15, 1500: 7.7e-12}
_RENAMED = (5, 23, 77, 140, 310)
_CAPPED = (8, 42, 99, 256)
_CHANGE_HOURS = 36
_SYLLABLES = (
    "ve",
    "lo",
    "ra",
    "mi",
    "zen",
    "ko",
    "ta",
    "lux",
    "no",
    "qui",
    "dra",
    "sol",
    "fi",
    "xa",
)
_TAGS = (
    "mineable", "pow", "pos", "defi", "memes", "layer-1", "stablecoin", "gaming", "ai-big-data",
    "made-in-america", "store-of-value", "platform",
)  # fmt: skip
# Shares of coins: tokens, unknown supplies, and the ways to have no cap.
_TOKENS, _UNKNOWN, _NO_CAP, _ZERO_CAP, _INFINITE = 0.6, 0.01, 0.45, 0.03, 0.2
_FIRST_ADDED = datetime(2013, 4, 28, tzinfo=UTC)
_LAST_ADDED = datetime(2025, 11, 1, tzinfo=UTC)
_ID_PRIME = 40_009


@dataclass(frozen=True)
class Coin:
    """One coin; `base_price` in USD is what its price wanders around, supplies are in coins.

    `chain` is the position of the coin whose chain it lives on. Zero `circulating_supply` or
    `total_supply` means unknown.
    """

    position: int
    id: int
    name: str
    symbol: str
    slug: str
    date_added: datetime
    base_price: float
    circulating_supply: float
    total_supply: float
    max_supply: float | None
    infinite_supply: bool
    chain: int | None
    token_address: str | None
    tags: tuple[str, ...]
    market_pairs: int

    def at(self, hour: int) -> "Coin":
        """The coin as it is called and capped in an hour, counted from 1970: a few change.

        Renamed coins take and lose a second name, and capped ones gain and lose a cap, each at
        hours of its own.
        """
        odd = ((hour + 7 * self.position) // _CHANGE_HOURS) % 2
        if odd and self.position in _RENAMED:
            return replace(self, name=f"{self.name} Network")
        if odd and self.position in _CAPPED:
            return replace(self, max_supply=2 * self.total_supply, infinite_supply=False)
        return self


def coins(seed: int, count: int) -> list[Coin]:
    """The `count` first coins, roughly by size; a larger count only adds more."""
    draws = {
        name: uniform(seed, number, range(count)).tolist()
        for number, name in enumerate(
            ("price", "cap", "circulating", "total", "max", "chain", "name", "tags")
        )
    }
    bits = hashed(seed, 99, range(count)).tolist()
    made = []
    slugs: set[str] = set()
    for position in range(count):
        draw = {name: values[position] for name, values in draws.items()}
        identity = 1 + position * 4801 % _ID_PRIME
        name, symbol, price = _called(position, draw, bits[position])
        slug = "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "coin"
        slug = slug if slug not in slugs else f"{slug}-{identity}"
        slugs.add(slug)
        supply = float(round(1.2e12 / (position + 1) ** 1.35 * (0.6 + 0.8 * draw["cap"]) / price))
        circulating = 0.0 if position > len(_LARGEST) and draw["circulating"] < _UNKNOWN else supply
        total = 0.0 if draw["total"] < _UNKNOWN else float(round(supply * (1 + draw["total"])))
        chain = (
            CHAINS[bits[position] % 3]
            if position > len(_LARGEST) and draw["chain"] < _TOKENS
            else None
        )
        made.append(
            Coin(
                position=position,
                id=identity,
                name=name,
                symbol=symbol,
                slug=slug,
                date_added=_FIRST_ADDED + (_LAST_ADDED - _FIRST_ADDED) * identity / _ID_PRIME,
                base_price=price,
                circulating_supply=circulating,
                total_supply=total,
                max_supply=_cap(position, draw["max"], max(supply, total)),
                infinite_supply=draw["max"] < _INFINITE and position not in _CAPPED,
                chain=chain,
                token_address=None if chain is None else f"0x{bits[position]:040x}",
                tags=tuple(_TAGS[int(draw["tags"] * 97 + n * 5) % 12] for n in range(position % 5)),
                market_pairs=1 + int(9000 * draw["name"] / (position + 1) ** 0.7),
            )
        )
    return made


def _called(position: int, draw: dict[str, float], bits: int) -> tuple[str, str, float]:
    """Name, symbol and base price."""
    if position < len(_LARGEST):
        return _LARGEST[position]
    price = _TINY_PRICES.get(position, 10.0 ** (9 * draw["price"] - 6))
    number, rest = divmod(position, _AWKWARD_EVERY)
    if rest == 0 and number <= len(_AWKWARD):
        return *_AWKWARD[number - 1], price
    chosen = [_SYLLABLES[(bits >> 8 * n) % len(_SYLLABLES)] for n in range(2 + bits % 2)]
    name = "".join(chosen).capitalize()
    return name, name[:4].upper(), price


def _cap(position: int, draw: float, supply: float) -> float | None:
    """None and 0 both say that no cap is known; most coins have one of them or a real cap."""
    if position in _CAPPED or draw < _NO_CAP:
        return None
    return 0.0 if draw < _NO_CAP + _ZERO_CAP else float(round(supply * (1 + draw)))
