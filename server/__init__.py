"""The shell: sockets, HTTP, storage, pages and commands around the pure core.

Comes in: bytes of call audio from a socket or a file. Goes out: the call's
numbered log, to the database, to screens and to files. `server.call` is the one
module here that decides anything about a call, and it does no I/O.
"""
