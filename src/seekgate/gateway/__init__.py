"""The data plane: the sockets of one worker and the whole life of a request.

``downstream.data_received`` reads a request; ``front.admit`` makes the Exchange and asks the pipeline; ``relay.start``
picks a deployment and takes a connection from its ``pool``; ``upstream.data_received`` hands what comes back to the
relay, which writes it to the client and settles. docs/life-of-a-request.md tells it in full.

Everything is a callback on one event loop. No task is made for a request, unless a stage returns a `Wait` or a new
upstream connection is needed; no timer is made for a request: connections carry a deadline, and `sweep` looks at them.
"""
