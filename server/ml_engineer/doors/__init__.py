"""Translators between people or programs and the verbs; they decide nothing and compute nothing.

`mcp` speaks the Model Context Protocol, `command_line` to a terminal, `python` to Python code (it is what
``import ml_engineer`` shows). All three hand the same requests to jobs and give the same replies.
"""
