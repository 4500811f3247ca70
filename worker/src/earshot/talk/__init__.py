"""`earshot talk`: a real conversation without a server."""
