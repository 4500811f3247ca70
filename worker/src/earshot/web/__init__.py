"""The page and the door to a call: who may have a token, the state of the stack, static files.

Knows livekit-server only by its address and keys, and the rest of Earshot by one function that
tells the state.
"""
