"""livekit-server's webhooks: verified, and for `earshot webhook listen` shown.

verify    is it from our server, whole, and new?
receive   the HTTP side: bounded in size, time and number
listen    a small server that shows what comes
"""
