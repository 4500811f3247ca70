"""How the starter models are made: one package per model, one command each (see README.md)."""
