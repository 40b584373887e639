"""Durable background work: started detached, watched, waited for a bounded time, cancelled, resumed.

A job is a verb at work in a process of its own that survives the client who asked for it. All that is
known of a job lies in its folder (`store`), so that any client of this user can ask about it.
Import from the module that owns the act: `starting`, `waiting`, `ending`, `outcome`, `disk`.
"""
