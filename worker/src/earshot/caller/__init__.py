"""A scripted caller: a participant with a voice, an ear and a clock, who joins as a page does.

It measures the agent from outside: from the sound alone, at the caller's end of a real WebRTC
connection. The demonstration, the benchmark of a call and the end-to-end tests are all built on it.
"""

from .caller import Answer, Caller
from .ear import Ear, Sound
from .observed import Caption, Message, Seen, State
from .speech import RATE_HZ, Speech
from .ticket import Ticket, from_page, minted

__all__ = [
    "RATE_HZ",
    "Answer",
    "Caller",
    "Caption",
    "Ear",
    "Message",
    "Seen",
    "Sound",
    "Speech",
    "State",
    "Ticket",
    "from_page",
    "minted",
]
