"""The supervisor: starts, watches, restarts and drains every other process of a node; never handles traffic.

It decides purely and acts thinly. `workers`, `engines` and `companions` (processes beside the workers, one of each)
decide what should run, on a clock that they are told; `perform` does it; `run` joins the start, the changes and the
end. Around them: `sockets` (the listening sockets, which outlive workers), `children` (processes that run now), `home`
(files and the lock), `compiling`, `models`, `watch` (changed files), `predecessor` (what a killed supervisor left),
`greeting`, `log` and `loop`.
"""
