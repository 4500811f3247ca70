"""The sizes of the starter language model; it is a llama in every other way."""

DIM, LAYERS, HEADS, HIDDEN, CONTEXT, EPS = 192, 4, 4, 512, 1024, 1e-5
