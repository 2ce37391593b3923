"""How a download reaches the network, and what is said when it cannot: proxies, certificates, plain words."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import socket
import ssl
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
    getproxies,
)


class PullError(Exception):
    """A model cannot be had. ``what`` says what went wrong and where, ``advice`` what to do."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what}. {advice}" if advice else what)
        self.what = what
        self.advice = advice


class Transient(Exception):
    """An attempt failed in a way that another may not; ``server`` says that the server had been reached."""

    def __init__(
        self, what: str, advice: str = "Pull again: it goes on where it stopped.", server: bool = False
    ):
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.server = server


class Redirects(HTTPRedirectHandler):
    """Follow redirects, but never from TLS to plain text."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise PullError(f"{req.full_url} redirects to {newurl}, which is not encrypted", "Refused.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@functools.cache
def opener() -> OpenerDirector:
    """An opener with the environment's proxies, and certificates checked.

    Beside the system's certificates (and ``SSL_CERT_FILE``) those are trusted that pip and requests are told to:
    a company that inspects TLS has usually configured one of these.
    """
    context = ssl.create_default_context()
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        bundle = os.environ.get(variable, "")
        if os.path.isfile(bundle):
            context.load_verify_locations(bundle)
    return build_opener(HTTPSHandler(context=context), Redirects())


def explain(url: str, error: Exception) -> PullError | Transient:
    """What a failed request means, and what to do about it."""
    host = urlsplit(url).hostname or url
    if isinstance(error, HTTPError):
        return _status(url, error.code)
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    proxy = getproxies().get(urlsplit(url).scheme)
    through = f" (through the proxy {_bare(proxy)})" if proxy else ""
    network = "Check the network; behind a proxy set HTTPS_PROXY. Or copy the file here and pull its path."
    if isinstance(cause, ssl.SSLCertVerificationError):
        return PullError(
            f"the certificate of {host}{through} cannot be verified: {cause.verify_message}",
            "If your network inspects TLS, point SSL_CERT_FILE to its certificate authority.",
        )
    if isinstance(cause, ssl.SSLError):
        return Transient(f"the TLS connection to {host}{through} failed: {cause}", network)
    if isinstance(cause, socket.gaierror):
        return Transient(
            f"the name {host}{through} cannot be resolved: there is no network, or no DNS", network
        )
    if isinstance(cause, ConnectionRefusedError):
        return Transient(f"{host}{through} refused the connection", network)
    if isinstance(cause, TimeoutError):
        return Transient(f"{host}{through} did not answer in time", network)
    if isinstance(cause, HTTPException | ConnectionError):
        return Transient(
            f"the connection to {host}{through} broke: {type(cause).__name__}", network, server=True
        )
    if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
        return no_space(str(cause.filename or ""))
    return Transient(f"{host}{through} cannot be reached: {cause}", network)


def _status(url: str, code: int) -> PullError | Transient:
    if code in (404, 410):
        return PullError(f"there is no file at {url} ({code})", "Check the spelling; it may have been moved.")
    if code in (401, 403):
        return PullError(
            f"{url} refuses access ({code})",
            "It needs a login: fetch the file with its own tools, then pull its path.",
        )
    if code == 429 or code >= 500:
        return Transient(
            f"{url} answered {code}", "The server is overloaded or broken: pull again later.", True
        )
    return PullError(f"{url} answered {code}", "Check the address.")


def require_space(folder: Path, count: int) -> None:
    """Raise `PullError` when the disk of ``folder`` has fewer than ``count`` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < count:
        raise PullError(
            f"the disk of {folder} has {megabytes(free)} free, but {megabytes(count)} are needed",
            "Free some space, or let SEEKGATE_CACHE name a folder on another disk.",
        )


def no_space(where: str) -> PullError:
    """The error for a disk that filled up while writing."""
    return PullError(
        f"the disk is full{f': {where}' if where else ''}",
        "Free some space, or let SEEKGATE_CACHE name a folder on another disk; then pull again.",
    )


def megabytes(count: int) -> str:
    """A size for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _bare(proxy: str) -> str:
    """A proxy's address without its credentials."""
    parts = urlsplit(proxy)
    return f"{parts.hostname}:{parts.port}" if parts.hostname and parts.port else parts.hostname or proxy
