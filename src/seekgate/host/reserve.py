"""Disk space taken ahead of writing: a full disk is noticed while there is room for what is on its way."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_KEEP_SIZE = 1
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV, errno.ESPIPE)


class Reserver:
    """Reserves space behind the end of files (fallocate(2) with FALLOC_FL_KEEP_SIZE: the size stays as it is)."""

    __slots__ = ("_fallocate",)

    def __init__(self) -> None:
        self._fallocate = None
        if sys.platform == "linux":
            function = ctypes.CDLL(None, use_errno=True).fallocate
            function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
            self._fallocate = function

    def __call__(self, descriptor: int, offset: int, length: int) -> bool:
        """Reserve ``length`` bytes from ``offset``. Whether they are; False where this cannot be done here.

        Raise `OSError` when there is no room, or the disk fails.
        """
        if self._fallocate is None:
            return False
        if self._fallocate(descriptor, _KEEP_SIZE, offset, length) == 0:
            return True
        number = ctypes.get_errno()
        if number in _UNSUPPORTED:
            return False
        raise OSError(number, os.strerror(number))
