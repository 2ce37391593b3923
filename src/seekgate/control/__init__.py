"""The control process: what has to be done beside the traffic, and never in a request's way.

`follower` brings changes of rows from the database into the row log, `run` is the process.
"""
