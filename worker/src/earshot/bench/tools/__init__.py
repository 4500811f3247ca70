"""Which tool, with what: utterances with the right decision, and how often the product takes it.

`held_out.jsonl` was written before any sentence of the product and is never tuned on;
`develop.jsonl` is what sentences are written by. A line is a case (see `cases`). Half of each is
also there as the recogniser heard it (`heard`, made once by `python -m earshot.bench.tools.heard`).
"""
