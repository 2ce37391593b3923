"""SeekGate: one governed door to DeepSeek's cloud API, to private inference servers, or to both."""

__version__ = "0.1.0"
