"""The call log: who called, when, for how long, how it ended, and how fast the answers came.

    facts      what is told of calls, by livekit-server's webhooks and by the calls' processes
    post       from a call's process to the worker; inbox: where the worker gets it
    keeper     the one writer: a thread of the worker
    store      the SQLite file; schema: its tables
    query      what was kept, as people ask for it; export, view: as a file, as tables

No words are kept unless `calls.keep_words` says so. Nothing here may hurt a call: what can't be
kept is lost, with one warning.
"""
