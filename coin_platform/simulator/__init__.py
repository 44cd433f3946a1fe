"""The simulated market: what the CoinMarketCap API would answer, over HTTP on loopback.

`market.py` makes prices from a seed (`noise.py`) and the invented coins (`catalogue.py`),
`answers.py` gives them the vendor's shapes, `server.py` serves them, `faults.py` says what goes
wrong on request. Nothing here knows the client.
"""
