"""What one request is while it passes, what a stage may say about it, and in which order stages are asked.

`exchange` is the record, `stage` the interface, `pipeline` the order. Nothing here knows a socket, a loop or a clock:
instants are handed in, and what must be waited for is returned as a `Wait`.
"""
