"""What an operator asks of a livekit-server: the parts of `earshot room`, `token`, `egress`, …

    connection   which server, and with which key
    projects     servers with a name
    server       a request, and what its failure means
    requests     JSON or flags -> a request that livekit-server will understand
    grants       what a token allows, in words, and what is wrong with it
    options      the options that these commands share
    tables       answers for people and for scripts

Nothing here knows about models, calls or the engine.
"""
