"""The one process that owns the weights, and its clients.

Every call has a job process of its own; the models exist once per machine, in `earshot engine`.
`engine.proto` is the contract, `client` what a job uses, `server` and `process` the other side.
"""

import os

# gRPC writes a line to standard error whenever the other end goes away; its errors say the same.
# Read once, when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
