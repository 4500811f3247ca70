"""Projects to begin with: `earshot new`. Each folder is a template, `common` is in all of them.

`{{name}}` and the like are filled in by `project`; nothing else here is run by Earshot.
"""
