"""Which tool, with what: utterances with the right decision, and how often the product takes it.

`held_out.jsonl` was written before any sentence of the product and is never tuned on;
`develop.jsonl` is what sentences are written by; `phrasings.jsonl` has more wordings that they
know, and talk that sounds like a wish and is none. A line is a case (see `cases`). Of the first
two, half is also there as the recogniser heard it (`heard`, made once by `python -m
earshot.bench.tools.heard`).
"""
