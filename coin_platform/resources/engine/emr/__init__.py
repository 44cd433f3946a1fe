"""Transforms on EMR: the same jobs, as steps of a cluster or as runs of EMR Serverless.

```
 EmrEngine ── package.py ──► s3://platform-…/package/<hash>/   code, script, bootstrap action
     │
     ├─ pipes.py ──────────► s3://platform-…/pipes/<submission>/context.json
     ├─ runner ────────────► cluster.py: found by name, or made      or serverless.py
     │                       steps.py: spark-submit transforms/step.py
     └─ messages.py ◄─────── s3://platform-…/pipes/<submission>/1.json, 2.json, …
```

`engine.py` decides what became of a job: it was done when its step completed *and* its outcome and
Pipes' last message arrived for this very submission. `logs.py` fetches what a failed one printed.
"""
