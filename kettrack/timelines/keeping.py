"""What questions work out from a cohort and ask for again, kept in the open with the cohort."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass
class Looks:
    """How often somebody looked at the policy of a cohort, or of one that was made of it."""

    n: int = 0


@dataclass(frozen=True)
class Keeping:
    """Things by the name of each and of every choice that it depends on.

    Parameters
    ----------
    kept : dict
        Name to thing.
    looks : Looks
        Shared with the cohorts that are made of this one.
    """

    kept: dict[Hashable, Any] = field(default_factory=dict)
    looks: Looks = field(default_factory=Looks)

    def once(
        self,
        key: Hashable,
        make: Callable[[], T],
    ) -> T:
        """What is made the first time, without arguments, and kept from then on."""
        # not `setdefault`: `make` must not run when the value is there
        if key not in self.kept:
            self.kept[key] = make()
        return cast(T, self.kept[key])

    def once_for_all(
        self,
        key: Hashable,
        make: Callable[[], T],
    ) -> T:
        """As `once`, for cohorts under several policies: kept only where nobody looked at the
        policy while it was made.

        Examples
        --------
        >>> keeping = Keeping()
        >>> def look():
        ...     keeping.looks.n += 1
        >>> _ = keeping.once_for_all("same", lambda: 1), keeping.once_for_all("other", look)
        >>> list(keeping.kept)
        ['same']
        """
        if key in self.kept:
            return cast(T, self.kept[key])
        before = self.looks.n
        found = make()
        if self.looks.n == before:
            self.kept[key] = found
        return found

    def apart(self) -> Keeping:
        """The same things; what is kept from now on is its own."""
        kept = dict(self.kept)
        return Keeping(
            kept,
            self.looks,
        )

    def of_another(self) -> Keeping:
        """Nothing yet, for a cohort that is made of this one."""
        return Keeping(looks=self.looks)
