"""The door for assistants, and the only room that knows the Model Context Protocol.

`server` puts it together and runs it, `tools` turns verbs into tools, `consent` asks what only a person may
allow, `resources` shows documents and records.
"""
