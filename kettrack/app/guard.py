"""Who may ask the dashboard: whoever opened the address of the terminal, in a browser of this
machine, from a page of the dashboard itself.

Every page in a browser can send requests to 127.0.0.1. So the name of the host and the page that
asks are looked at before anything else, and nothing is shown without a session.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
# A session ends after so many minutes in which nobody asked for anything.
IDLE_MINUTES: Final = 30
_TOKEN_BYTES: Final = 32
# Browsers of one clinic that are open at the same time; the oldest goes first.
_MOST_SESSIONS: Final = 16
_SECONDS: Final = 60
# What a browser says of a page that it opens because a person asked for it.
_OWN_SITE: Final = ("", "same-origin", "none")


@dataclass
class Guard:
    """The door of one running dashboard.

    Parameters
    ----------
    port : int
        That it listens on.
    idle_minutes : float
        After which a session ends.
    clock : callable
        Seconds that only grow.
    """

    port: int
    idle_minutes: float = IDLE_MINUTES
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))
    _seen: dict[str, float] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the next browser enters; it works once."""
        return f"http://{HOST}:{self.port}/?token={self._token}"

    @property
    def cookie(self) -> str:
        """Name of the cookie of a session: browsers tell hosts apart, and not ports."""
        return f"kettrack-{self.port}"

    def refuses(self, host: str, origin: str, site: str) -> str:
        """Why a request is refused before anything is looked at; empty where it is not.

        Parameters
        ----------
        host, origin, site : str
            The headers Host, Origin and Sec-Fetch-Site; empty where there is none.

        Examples
        --------
        >>> door = Guard(8000)
        >>> door.refuses("127.0.0.1:8000", "", "none")
        ''
        >>> door.refuses("clinic.example:8000", "", "none")
        'This name of the host is not known here.'
        """
        # A name of somebody else's that leads to this machine would let their page read ours.
        names = [f"{HOST}:{self.port}", f"localhost:{self.port}"]
        if host.lower() not in names:
            return "This name of the host is not known here."
        if origin and origin.lower() != f"http://{host.lower()}":
            return "A page of another place asked for this one."
        if site not in _OWN_SITE:
            return "A page of another place asked for this one."
        return ""

    def enter(self, token: str) -> str:
        """A new session for the token of the address, which then is a new one; empty for any other.

        Examples
        --------
        >>> door = Guard(8000)
        >>> token = door.address.partition("token=")[2]
        >>> bool(door.enter(token)), bool(door.enter(token))
        (True, False)
        """
        # Compared in the same time whatever the first wrong letter is.
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return ""
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        session = secrets.token_urlsafe(_TOKEN_BYTES)
        while len(self._seen) >= _MOST_SESSIONS:
            del self._seen[min(self._seen, key=lambda each: self._seen[each])]
        self._seen[session] = self.clock()
        return session

    def knows(self, session: str) -> bool:
        """Whether a session goes on; asking keeps it alive."""
        now = self.clock()
        last = self._seen.pop(session, None)
        if last is None or now - last > self.idle_minutes * _SECONDS:
            return False
        self._seen[session] = now
        return True
