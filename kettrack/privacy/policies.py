"""The named disclosure policies: what each hides or rounds, and who published it.

`internal` hides nothing and is not for release. Every other policy is for what leaves the clinic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from kettrack.arrays import Floats
from kettrack.errors import UsageError, WrongArgument
from kettrack.vocabulary.limits import FEWEST_PEOPLE


@dataclass(frozen=True, slots=True)
class Rounding:
    """How counts are rounded.

    Parameters
    ----------
    kind : {"midpoint", "nearest"}
        To the middle of the band of `step` counts that a count lies in, or to the nearest multiple.
    step : int
        Width of a band.
    """

    kind: Literal["midpoint", "nearest"]
    step: int

    def of(self, counts: Floats) -> Floats:
        """Counts as they may be shown; 0 stays 0, and what is missing stays missing.

        Examples
        --------
        >>> Rounding("midpoint", 6).of(np.array([0.0, 1, 6, 7, 13])).tolist()
        [0.0, 3.0, 3.0, 9.0, 15.0]
        >>> Rounding("nearest", 5).of(np.array([8.0, 12, 13])).tolist()
        [10.0, 10.0, 15.0]
        """
        # Halves go up, in every count the same way.
        if self.kind == "nearest":
            return np.asarray(np.floor(counts / self.step + 0.5) * self.step)
        # Whoever reads 3 knows 1 to 6. Over many tables the errors cancel.
        # A count on the edge of its band stays in it.
        top = np.ceil(counts / self.step) * self.step
        return np.asarray(top - np.where(counts > 0, self.step / 2, 0))


@dataclass(frozen=True, slots=True)
class Policy:
    """A disclosure policy.

    Parameters
    ----------
    name : str
        As given to `--policy`.
    smallest_count : int
        Smallest count above 0 that is not hidden; 1 where none is.
    banner : str
        Printed with everything that went through it.
    source : str
        Who published the rule; what nobody could confirm is marked recalled.
    rounding : Rounding, optional
        Of every count that is shown; all other figures are then made again from rounded counts.
    for_release : bool
        Whether what went through it may leave the clinic.
    """

    name: str
    smallest_count: int
    banner: str
    source: str = ""
    rounding: Rounding | None = None
    for_release: bool = True

    @property
    def fewest_behind(self) -> int:
        """People that a mean, a median or the figure of a model needs to be shown."""
        # The clinic itself may look at a mean of one.
        if not self.for_release:
            return 1
        return max(self.smallest_count, FEWEST_PEOPLE)

    def meant(self, shown: int) -> tuple[int, int]:
        """The smallest and the largest count that is shown like this.

        Examples
        --------
        >>> [get_policy(name).meant(15) for name in ("cms", "midpoint6", "opensafely")]
        [(15, 15), (13, 18), (13, 17)]
        """
        if self.rounding is None:
            return shown, shown
        half = self.rounding.step // 2
        if self.rounding.kind == "midpoint":
            return (shown - half + 1, shown + half) if shown else (0, 0)
        least = max(shown - half, self.smallest_count) if shown else 0
        return least, max(shown + half, least)

    def said(self, count: int) -> str:
        """A count as words may say it that no table stands behind.

        Examples
        --------
        >>> [get_policy(name).said(4) for name in ("internal", "cms", "midpoint6")]
        ['4', 'fewer than 11', 'about 3']
        """
        # A count of 0 tells of nobody and is shown.
        if 0 < count < self.smallest_count:
            return f"fewer than {self.smallest_count}"
        if self.rounding is None or count == 0:
            return str(count)
        # One number in words is rounded as those in tables are.
        rounded = self.rounding.of(np.array([float(count)]))
        return f"about {rounded[0]:.0f}"

    def said_beside_tables(self, count: int) -> str:
        """A count as words may say it beside tables: the sums of a release do not know of it.

        Examples
        --------
        >>> policies = [get_policy(name) for name in ("internal", "cms", "midpoint6")]
        >>> [policy.said_beside_tables(52) for policy in policies]
        ['52', '11 or more', 'about 51']
        """
        hides = self.for_release and self.rounding is None
        # Where tables are exact, an exact number in words would tell what they hide.
        if hides and count >= self.smallest_count:
            return f"{self.smallest_count} or more"
        return self.said(count)


INTERNAL: Final = "internal"
# The word for what leaves where nobody prescribes a policy: no number of an answer has to go.
RELEASE: Final = "release"
_FOR_RELEASE: Final = "midpoint6"
_CMS_SMALLEST: Final = 11  # the rule hides counts of 10 and fewer
_EIGHT: Final = 8  # both rules hide counts of 7 and fewer
_MIDDLE_OF: Final = 6
_FIVE: Final = 5
_HIDDEN: Final = (
    "Counts from 1 to {last} are hidden, with what follows from them in the same table."
)
_ROUNDED: Final = (
    "Every other count is rounded to the nearest {step}, and all figures are made again from"
    " rounded counts. Rounded parts need not add up to their total."
)

_ALL: Final = (
    Policy(
        name=INTERNAL,
        smallest_count=1,
        banner="Internal: for the treating clinic only. Nothing is hidden. Not for release.",
        for_release=False,
    ),
    Policy(
        name=_FOR_RELEASE,
        smallest_count=1,
        banner=(
            f"For release: every count is rounded to the middle of its {_MIDDLE_OF} (1 to"
            f" {_MIDDLE_OF} become {_MIDDLE_OF // 2}, 0 stays 0), and every share, interval and"
            " curve is made again from rounded counts. Rounded parts need not add up to their"
            " total. A figure that is not made of counts shown here is hidden."
        ),
        source="OpenSAFELY, midpoint-6 rounding: docs.opensafely.org/outputs/sdc",
        rounding=Rounding("midpoint", _MIDDLE_OF),
    ),
    Policy(
        name="cms",
        smallest_count=_CMS_SMALLEST,
        banner=(
            f"{_HIDDEN.format(last=_CMS_SMALLEST - 1)} Check sums over rows and differences"
            " between tables before release."
        ),
        source="CMS cell size suppression policy, ResDAC, 2024-01-26: resdac.org/node/1506",
    ),
    Policy(
        name="opensafely",
        smallest_count=_EIGHT,
        banner=f"{_HIDDEN.format(last=_EIGHT - 1)} {_ROUNDED.format(step=_FIVE)}",
        source=(
            "OpenSAFELY, counts of 7 and fewer redacted, then rounded to 5:"
            " docs.opensafely.org/outputs/sdc"
        ),
        rounding=Rounding("nearest", _FIVE),
    ),
    Policy(
        name="nhs",
        smallest_count=_EIGHT,
        banner=f"{_HIDDEN.format(last=_EIGHT - 1)} {_ROUNDED.format(step=_FIVE)}",
        source=(
            "NHS England, hospital episode statistics below the national level: 1 to 7 hidden;"
            " rounding of the others to 5 is recalled and not confirmed"
        ),
        rounding=Rounding("nearest", _FIVE),
    ),
)
POLICIES: Final = {policy.name: policy for policy in _ALL}
# What a user may write: the policies, and the word for the usual one of those for release.
POLICY_WORDS: Final = (*POLICIES, RELEASE)


def get_policy(name: str) -> Policy:
    """Look a policy up; `release` is the one that keeps the answers, `midpoint6`.

    Raises
    ------
    UsageError
        When there is none of that name; the message lists those there are.

    Examples
    --------
    >>> get_policy("cms").smallest_count
    11
    >>> get_policy("release").name
    'midpoint6'
    """
    # A list of names would be looked up as one name that nobody knows.
    if not isinstance(name, str):
        raise WrongArgument("get_policy", "the name of a policy", name)
    if name not in POLICY_WORDS:
        raise UsageError(
            f"No disclosure policy is called {name!r}; there are: {', '.join(POLICY_WORDS)}."
        )
    return POLICIES[_FOR_RELEASE if name == RELEASE else name]
