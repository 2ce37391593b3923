"""What can be found: the types, what they mean, and what is done with them unless a policy says otherwise."""

from __future__ import annotations

from typing import Literal, NamedTuple

Action = Literal["mask", "token", "block", "private", "report"]
DataClass = Literal["personal", "financial", "secret"]

# Which of two spans that overlap stays: what a checksum or an unmistakable form proves, before what has a form only,
# before what the words around it suggest.
VALIDATED, STRUCTURED, CONTEXTUAL = 0, 1, 2


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a text are of a ``type``."""

    start: int
    end: int
    type: str


class Kind(NamedTuple):
    """A type of finding: its data class, its default action, its rank among overlaps (0 is the strongest), and what
    it is, in words."""

    data_class: DataClass
    action: Action
    rank: int
    meaning: str


class Own(NamedTuple):
    """A detector of the installation's own. ``type`` is upper-case by convention and may repeat.

    ``patterns`` are hyperscan expressions: PCRE without look-around and back-references, in which ``\\w``, ``\\d`` and
    ``\\b`` mean ASCII; a match takes time linear in the text's length. ``words`` are found as they are written. Both
    regardless of case, unless ``cased``.
    """

    type: str
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    cased: bool = False


class PatternError(ValueError):
    """An own pattern that cannot be used; ``pattern`` is the pattern as it was written."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(reason)
        self.pattern = pattern


KINDS: dict[str, Kind] = {
    "CN_ID": Kind("personal", "mask", VALIDATED, "Resident identity number of China, also the 15-digit form"),
    "CN_MOBILE": Kind("personal", "mask", STRUCTURED, "Mobile number of mainland China"),
    "CN_LANDLINE": Kind("personal", "mask", STRUCTURED, "Landline number of mainland China"),
    "BANK_CARD": Kind("financial", "mask", VALIDATED, "Payment card number"),
    "USCC": Kind("financial", "mask", VALIDATED, "Unified social credit code of an organisation in China"),
    "PASSPORT": Kind(
        "personal", "mask", STRUCTURED, "Passport number (China; others by the words around it)"
    ),
    "TRAVEL_PERMIT": Kind(
        "personal", "mask", STRUCTURED, "Permit for Hong Kong, Macao, Taiwan and the mainland"
    ),
    "PLATE": Kind(
        "personal", "mask", STRUCTURED, "Vehicle number plate of China, also of new-energy vehicles"
    ),
    "EMAIL": Kind("personal", "mask", STRUCTURED, "Email address"),
    "IP": Kind("personal", "mask", STRUCTURED, "IPv4 or IPv6 address"),
    "IBAN": Kind("financial", "mask", VALIDATED, "International bank account number"),
    "US_SSN": Kind("personal", "mask", STRUCTURED, "Social security number of the United States"),
    "PHONE": Kind(
        "personal", "mask", STRUCTURED, "Telephone number of the United States, Europe or elsewhere"
    ),
    "API_KEY": Kind("secret", "mask", STRUCTURED, "Key of a service, by its prefix or by a word before it"),
    "JWT": Kind("secret", "mask", VALIDATED, "JSON Web Token"),
    "PRIVATE_KEY": Kind("secret", "mask", VALIDATED, "Private key in PEM, OpenSSH, PGP or PuTTY form"),
    "SECRET": Kind("secret", "mask", STRUCTURED, "Password, or a connection string with one"),
    "NAME": Kind("personal", "report", CONTEXTUAL, "Name of a person, by surname and context"),
    "ADDRESS": Kind("personal", "mask", CONTEXTUAL, "Postal address down to a house, building or room"),
}
