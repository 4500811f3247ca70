"""The one process that owns the weights, and its clients.

Every call has a job process of its own; the models exist once per machine, in `earshot engine`.
`engine.proto` is the contract, `client` what a job uses, `server` and `process` the other side.
"""
