"""`earshot room join`: a participant who shows everything that happens in a room.

    events     what happened, in a bounded queue
    watch      the room's events
    streams    text and byte streams of every topic
    rpc        calls of methods, shown and answered
    voice      what is published: a recording, a tone, a microphone
    mixer      what all tracks play, as one sound
    typed      lines from standard input
    view       for people, or JSON lines
    command    the parts together

Knows LiveKit, and nothing of Earshot's agent.
"""
