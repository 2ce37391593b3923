"""From a configuration file to a snapshot: file -> `Tree` -> checked sections -> `Snapshot`, or every error at once.

Two halves. The light half is what workers import: `snapshot`, `snapshot_file`, `secrets`, `home`. The other half
(`yaml_file`, `tree`, `fields`, `translate`, `front_door`, `upstreams`, `engines`) needs PyYAML and pydantic and runs
in the compiler and the command line only.
"""
