"""What the agent can do: one file per tool, each a plain function or class without LiveKit.

`own` loads the tools of a project.
"""
