"""The market page: a static site made of curated tables and check results, without Dagster.

    shown.py      which hours and days the page shows
    evidence.py   what the checks said of them, and whether that lets the page be published
    market.py     the overview and the newest day, from curated; series.py, cards.py: its numbers
    history.py    the closed days coin by coin, made once for all the releases of a day
    candles.py    rows of curated as both take them
    quality.py    the numbers of the data-quality page
    numbers.py    numbers as people read them; static/numbers.js says the same in the browser
    script.py     data as scripts that a page loads from `file://` under a strict policy
    assets.py     styles, scripts and Plotly, under names made of their content
    pages.py      templates and what they are filled with
    build.py      the files of a release
    folders.py    folders that never change, and are there whole or not at all
    releases.py   where releases and histories stand, and the way back; bucket.py: on S3
    publish.py    whether there is anything to do; then a release, or the last one held and why

Everything is read through `ServedLake`, so nothing of raw can come onto a page.
"""
