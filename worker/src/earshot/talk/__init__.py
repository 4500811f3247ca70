"""`earshot talk`: a real conversation without a server, from recordings, typed text or a microphone."""
