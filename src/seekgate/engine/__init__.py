"""The private tier's engine: an inference server of llama.cpp in a process of its own, and the model files it reads.

`decide` settles purely what to run from what was asked, what the model file says (`gguf`) and what the machine has
(`machine`); `run` acts on it and talks with the supervisor. The model files are another matter: `catalogue` names
them, `sources` finds where they lie, `download` fetches them and `models` keeps them in the cache.
"""
