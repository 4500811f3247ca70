"""The sizes of the starter recogniser; it is a Whisper in every other way."""

DIM, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 192, 3, 4, 2
POSITIONS = 1500
"""of the encoder, 20 ms each: Whisper's 30 s"""
