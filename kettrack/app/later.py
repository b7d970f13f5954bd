"""Work that takes seconds, beside the pages: the newest wish first."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Final, Generic, TypeVar

Made = TypeVar("Made")
# Whoever tries many filters waits for the last one only.
_MOST_WISHES: Final = 4
_STEPS_BACK: Final = 10  # of the 19 that a process can be nicer


class Later(Generic[Made]):
    """Things made one by one in a thread of their own.

    Parameters
    ----------
    most : int
        Things that are kept.
    """

    def __init__(
        self,
        most: int,
    ) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._wishes: OrderedDict[Hashable, Callable[[], Made]] = OrderedDict()
        self._failed: set[Hashable] = set()
        self._changed = threading.Condition()
        self._busy: Hashable = None
        self._worker: threading.Thread | None = None

    def ask(
        self,
        key: Hashable,
        make: Callable[[], Made],
    ) -> Made | None:
        """The thing where it is there; else it is made as soon as possible.

        Parameters
        ----------
        key : hashable
            Names the thing.
        make : callable
            Makes it, in another thread.
        """
        with self._changed:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
            if key != self._busy and key not in self._failed:
                self._wish(key, make)
            return None

    def _wish(
        self,
        key: Hashable,
        make: Callable[[], Made],
    ) -> None:
        """Put a thing before all others that wait."""
        self._wishes[key] = make
        self._wishes.move_to_end(key)
        while len(self._wishes) > _MOST_WISHES:
            self._wishes.popitem(last=False)
        self._start()
        self._changed.notify()

    def failed(
        self,
        key: Hashable,
    ) -> bool:
        """Whether making a thing ended in a fault."""
        with self._changed:
            return key in self._failed

    def _start(self) -> None:
        if self._worker is None:
            # A daemon: whoever ends the dashboard does not wait for a number nobody reads.
            self._worker = threading.Thread(target=self._work, daemon=True)
            self._worker.start()

    def _work(self) -> None:
        # Pages go first, where the system lets a thread step back.
        with suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _STEPS_BACK)
        while True:
            with self._changed:
                while not self._wishes:
                    self._changed.wait()
                self._busy, make = self._wishes.popitem()
            self._keep(self._busy, make)

    def _keep(
        self,
        key: Hashable,
        make: Callable[[], Made],
    ) -> None:
        made = None
        # A fault is told on the page; its own words may quote a cell of the input.
        with suppress(Exception):
            made = make()
        with self._changed:
            self._busy = None
            if made is None:
                self._failed.add(key)
                return
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
