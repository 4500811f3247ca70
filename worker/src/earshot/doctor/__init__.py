"""`earshot doctor`: what is wrong, why, and what to do; and the proof that nothing leaves.

    target.py        what is looked at: a stack of this machine, a page elsewhere, a livekit-server
    finding.py       one line of the result
    causes.py        every cause with its cure; the table in docs/doctor.md
    checks.py        the checks, in an order in which the first red one is the one to mend
    examination.py   runs them, each within its time, and leaves out what can't work any more
    installation.py  checks: settings, secrets, models, machine, ports
    services.py      checks: the stack's processes, redis, engine, livekit-server, page
    entry.py         checks: clock, token, keys, signalling
    audio.py         checks: the ways of the audio, a tone from one participant to another
    conversation.py  checks: an agent joins, listens, understands, answers by voice
    token.py         what a token allows
    signalling.py, stun.py, paths.py    what the checks of audio ask with
    screen.py        findings for people and for programs
    report.py, redaction.py             one file to send, without secrets
    egress.py, packets.py, owners.py    what left the machine, and who sent it

Nothing here mends anything.
"""
