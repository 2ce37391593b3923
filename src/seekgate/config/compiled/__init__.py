"""Compiled settings of capabilities, as they stand in the snapshot: plain msgspec types."""
