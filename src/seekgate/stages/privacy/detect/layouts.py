"""How numbers are written in groups: the lengths of the groups, and what stands between them."""

from __future__ import annotations

LINKS = frozenset((" ", "-", ".", "  ", " - ", ") ", ")", ")-", " (", "(", "·"))
SINGLE = frozenset(" -.·")
"""Between single characters: `1 3 8 …`."""

MOBILE = frozenset(((11,), (3, 4, 4), (4, 4, 3), (3, 8), (7, 4), (3, 3, 5), (1,) * 11))
CARD = frozenset(((4, 6, 5), (4, 6, 4), (6, 13), (6, 10), (8, 8)))
AMERICAN = frozenset(((3, 3, 4), (3, 7)))
EUROPEAN = frozenset(
    (
        (2,) * 5,
        (3, 4, 4),
        (4, 3, 4),
        (5, 6),
        (5, 3, 3),
        (4, 7),
        (4, 6),
        (3, 6),
        (3, 7),
        (3, 8),
        (10,),
        (11,),
        (2, 4, 4),
    )
)
SOCIAL_SECURITY = (3, 2, 4)

_FOURS = tuple((*(4,) * whole, *rest) for whole in (3, 4) for rest in ((), (1,), (2,), (3,)))
_IDENTITY = (
    *(
        (6, 8, 4),
        (6, 8, 3, 1),
        (6, 4, 4, 4),
        (6, 6, 3),
        (6, 12),
        (14, 4),
        (17, 1),
        (3, 3, 4, 4, 4),
        (6, 4, 2, 2, 4),
    ),
)
_ORGANISATION = ((2, 6, 9, 1), (2, 6, 10), (8, 10), (8, 9, 1), (6, 6, 6), (9, 9))
_CODED = (
    *((length, *layout) for length in (2, 4) for layout in MOBILE),
    *((1, *layout) for layout in AMERICAN),
    *((2, 2, 8), (2, 3, 8), (2, 3, 7), (5, 4, 4)),
)

WHOLE = frozenset(
    (*MOBILE, *CARD, *AMERICAN, *EUROPEAN, SOCIAL_SECURITY, *_FOURS, *_IDENTITY, *_ORGANISATION, *_CODED)
)
"""The layouts that a number of several groups may have, if it does not begin with a code."""

BEGINNINGS = frozenset(layout[:count] for layout in WHOLE for count in range(1, len(layout)))
"""Where a row of groups is no beginning of a layout, nothing more is joined to it: that bounds the work."""
