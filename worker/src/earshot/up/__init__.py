"""`earshot up`: every process of the stack, started, watched and stopped in order.

    stack.py     settings -> services, and their life together
    service.py   one process that is kept running
    guard.py     ties a process' life to its parent's
    logs.py      what the processes print, in files of bounded size
    probes.py    questions to a service: are you ready?
    livekit.py   livekit-server: where its program is, and its configuration (livekit.yaml)
    redis.py     the same for redis
    ports.py     are the ports free, and if not, who has them
    address.py   which address of this machine callers use
    report.py    how everything is, as one document
    outputs.py   the same for people, as lines or as JSON lines; screen.py: on a terminal

It owns nothing but its children: calls, models and the page live in theirs.
"""
