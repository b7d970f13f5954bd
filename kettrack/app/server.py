"""The server of the dashboard: it listens on 127.0.0.1 only, looks first at who asks, and asks
nobody for anything.
"""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import matplotlib as mpl
import tornado.httpserver
import tornado.iostream
import tornado.netutil
import tornado.web

from kettrack.analysis.people.patient_page import patient_page
from kettrack.analysis.people.review import review_parts, review_table
from kettrack.analysis.short_answers import WORKED_OUT
from kettrack.app.clinics import Clinic, OwnClinic, Shelf
from kettrack.app.guard import HOST, IDLE_MINUTES, Guard
from kettrack.app.key_figures import BY_NAME, picture
from kettrack.app.pages import (
    GAP,
    answers_page,
    drawn,
    figure_page,
    laid_out,
    message_page,
    one_answer,
    patient_page_of,
    problems_page,
    review_page,
)
from kettrack.errors import DataProblems, UsageError
from kettrack.figures.patient import plot_patient
from kettrack.report.check_page import page_of_problems
from kettrack.writing import csv_text

T = TypeVar("T")

# The page may show what stands in it, and send its form to itself; nothing else.
_CONTENT: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT,
    # No page of a clinic stays in a browser's memory or names itself elsewhere.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_SESSION: Final = (
    "The address in the terminal works once, and for one browser. When it has been used, or nobody"
    " has looked for a while, the terminal shows a new one.",
    "Copy the last address from the terminal.",
)
_LARGEST_BODY: Final = 1024  # nothing is ever sent here but an address
_NOT_FOUND: Final = 404
_PAGES: Final = 32  # that are kept as they were laid out
_LOOK_AGAIN: Final = 0.1  # seconds
_TYPES: Final = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
}


@dataclass
class Desk:
    """What every page needs.

    Parameters
    ----------
    open_clinic : callable
        Reads the folder; raises `DataProblems` while it cannot be read.
    guard : Guard
        Who may ask.
    tell : callable
        Says a sentence to whoever started the dashboard.
    rows : bool
        Whether pages of single patients may be opened.
    """

    open_clinic: Callable[[], Clinic]
    guard: Guard
    tell: Callable[[str], None]
    rows: bool = False
    problems: DataProblems | None = None
    # Whoever goes back to a page does not wait until it is drawn again.
    pages: Shelf[str] = field(default_factory=lambda: Shelf(_PAGES))
    _clinic: Clinic | None = None
    # One page at a time: matplotlib draws for one, and tables are kept for the next.
    _worker: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1)
    )

    def clinic(self) -> Clinic:
        """The folder; it is read again until it can be read."""
        if self._clinic is None:
            try:
                self._clinic = self.open_clinic()
            except DataProblems as found:
                self.problems = found
                raise
            self.problems = None
        return self._clinic

    async def work(self, make: Callable[[], T]) -> T:
        """Do something that takes a while, while others may ask."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, make)


class Address(tornado.web.RequestHandler):
    """What is the same for every address."""

    desk: Desk

    def initialize(self, desk: Desk) -> None:
        """Tornado's place for what a page is given."""
        self.desk = desk

    def set_default_headers(self) -> None:
        """Also those of an error page."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Who asks is looked at before anything else."""
        headers = self.request.headers
        guard = self.desk.guard
        asked = [headers.get_list(name) for name in ("Host", "Origin")]
        # Two headers of one name could tell each reader another story.
        twice = any(len(values) > 1 for values in asked)
        host, origin = (values[0] if values else "" for values in asked)
        refused = guard.refuses(host, origin, headers.get("Sec-Fetch-Site", ""))
        if twice or refused:
            self._stop(403, "Refused", (refused or "The request is not clear.",))
        elif not self._enters() and not guard.knows(self.get_cookie(guard.cookie, "")):
            self._stop(403, "This address is not open", _NO_SESSION)

    def _enters(self) -> bool:
        """Whether the address holds the token: then a session begins, and the token is used up."""
        headers = self.request.headers
        # A browser that fetches a page before anybody asks must not use the token up.
        ahead = "prefetch" in headers.get("Sec-Purpose", headers.get("Purpose", ""))
        token = self.get_query_argument("token", "")
        if not token or ahead:
            return False
        guard = self.desk.guard
        session = guard.enter(token)
        if not session:
            return False
        self.set_cookie(
            guard.cookie, session, httponly=True, samesite="Strict", path="/"
        )
        # The address without it is what stays in the browser's history.
        self.redirect("/")
        self.desk.tell(
            f"A browser has opened the dashboard. For another one: {guard.address}"
        )
        return True

    def _stop(self, status: int, heading: str, sentences: tuple[str, ...]) -> None:
        self.set_status(status)
        self.finish(message_page(heading, sentences))

    def arguments(self) -> dict[str, str]:
        """What the address asks for; of a name that comes twice, the last."""
        names = self.request.query_arguments
        return {name: self.get_query_argument(name) for name in names}

    def write_error(self, status_code: int, **told: Any) -> None:
        """A page in place of Tornado's own, without the words of an error, which may quote data."""
        error = told.get("exc_info", (None, None, None))[1]
        if isinstance(error, DataProblems):
            self.set_status(200)
            self.finish(problems_page(page_of_problems(error.problems)))
        elif isinstance(error, UsageError):
            self._stop(400, "This cannot be shown", (str(error),))
        elif status_code == _NOT_FOUND:
            self._stop(404, "There is no such page", ("Go back, or start at /.",))
        else:
            words = "kettrack made a mistake. The terminal says where."
            self._stop(status_code, "This page failed", (words,))

    def log_exception(self, *told: Any) -> None:
        """One line to the terminal, without the message of the fault."""
        fault = told[1]
        expected = (DataProblems, UsageError, tornado.web.HTTPError)
        gone = tornado.iostream.StreamClosedError
        if isinstance(fault, (*expected, gone)):
            return
        place = traceback.extract_tb(fault.__traceback__)[-1]
        self.desk.tell(
            f"kettrack made a mistake ({type(fault).__name__} in {place.name}, line"
            f" {place.lineno}). Please tell the issue tracker of kettrack."
        )


class AnswersAddress(Address):
    """The five answers."""

    _gone = False

    async def get(self) -> None:
        """Lay them out: four at once, and the fifth on the same page when it is there."""
        page = await self.desk.work(self._made)
        before, gap, after = page.partition(GAP)
        self.write(before)
        if gap:
            await self.flush()
            self.write(await self._last())
        self.finish(after)

    def _made(self) -> str:
        clinic = self.desk.clinic()
        view = clinic.view(self.arguments())
        answers = clinic.answers(view)
        return self.desk.pages.get(
            (view, answers[-1] is WORKED_OUT),
            lambda: answers_page(clinic, view, answers, self.desk.rows),
        )

    async def _last(self) -> str:
        """The fifth answer; asking again puts it before what others wait for."""
        clinic = self.desk.clinic()
        view = await self.desk.work(lambda: clinic.view(self.arguments()))

        def ask() -> str:
            answer = clinic.answers(view)[-1]
            return "" if answer is WORKED_OUT else one_answer(answer)

        while not (told := await self.desk.work(ask)):
            await asyncio.sleep(_LOOK_AGAIN)
            # Whoever has gone to another page waits for nothing.
            if self._gone:
                raise tornado.iostream.StreamClosedError
        return told

    def on_connection_close(self) -> None:
        """The browser has gone to another page."""
        self._gone = True


class FigureAddress(Address):
    """One figure with its table."""

    async def get(self, name: str) -> None:
        """Lay it out."""
        if name not in BY_NAME:
            raise tornado.web.HTTPError(_NOT_FOUND)
        self.finish(await self.desk.work(lambda: self._made(name)))

    def _made(self, name: str) -> str:
        clinic = self.desk.clinic()
        view = clinic.view(self.arguments())
        return self.desk.pages.get(
            (view, name),
            lambda: figure_page(
                clinic,
                view,
                BY_NAME[name],
                clinic.figure(view, name),
                self.desk.rows,
            ),
        )


class DownloadAddress(Address):
    """A figure or a table as a file."""

    async def get(self, name: str, kind: str) -> None:
        """Send it."""
        if name not in BY_NAME:
            raise tornado.web.HTTPError(_NOT_FOUND)
        made = await self.desk.work(lambda: self._made(name, kind))
        self.set_header("Content-Type", _TYPES[kind])
        self.set_header("Content-Disposition", f'attachment; filename="{name}.{kind}"')
        self.finish(made)

    def _made(self, name: str, kind: str) -> bytes:
        clinic = self.desk.clinic()
        view = clinic.view(self.arguments())
        # The file holds what the page shows: the table after the gate.
        result = clinic.figure(view, name)
        if kind == "csv":
            return csv_text(result.table).encode("utf-8")
        plot = BY_NAME[name].plot
        return picture(
            plot, result.table, result.caption, "svg" if kind == "svg" else "png"
        )


class RowsAddress(Address):
    """Pages of single patients: only where the dashboard was started for them."""

    def own_clinic(self) -> OwnClinic:
        """The clinic's own view.

        Raises
        ------
        HTTPError
            Where rows of single patients were not asked for.
        """
        clinic = self.desk.clinic()
        if not self.desk.rows or not isinstance(clinic, OwnClinic):
            raise tornado.web.HTTPError(_NOT_FOUND)
        return clinic


class ReviewAddress(RowsAddress):
    """Who needs a look."""

    async def get(self) -> None:
        """List them."""
        self.finish(await self.desk.work(self._made))

    def _made(self) -> str:
        clinic = self.own_clinic()
        view = clinic.view(self.arguments())
        table = review_table(clinic.chosen(view))
        return review_page(clinic, view, review_parts(table))


class PatientAddress(RowsAddress):
    """One patient."""

    async def get(self, code: str) -> None:
        """Lay the page out."""
        self.finish(await self.desk.work(lambda: self._made(unquote(code))))

    def _made(self, code: str) -> str:
        clinic = self.own_clinic()
        view = clinic.view(self.arguments())
        result = patient_page(clinic.chosen(view), code)
        # Every row is named by its person; a notebook shows some, and Python has the rest.
        whole = result.only(code)
        figure = drawn(plot_patient, result, "patient")
        return patient_page_of(clinic, view, code, laid_out(whole), figure)


class NoAddress(Address):
    """Every other address."""

    def get(self) -> None:
        """There is nothing."""
        raise tornado.web.HTTPError(_NOT_FOUND)


def application(desk: Desk) -> tornado.web.Application:
    """All addresses of the dashboard."""
    given = {"desk": desk}
    return tornado.web.Application(
        [
            ("/", AnswersAddress, given),
            (r"/figure/(\w+)", FigureAddress, given),
            (r"/figure/(\w+)\.(svg|png)", DownloadAddress, given),
            (r"/table/(\w+)\.(csv)", DownloadAddress, given),
            ("/review", ReviewAddress, given),
            (r"/patient/([^/]+)", PatientAddress, given),
        ],
        default_handler_class=NoAddress,
        default_handler_args=given,
        # An address may hold the study code of a patient: none is written down.
        log_function=lambda handler: None,
    )


async def serve(
    open_clinic: Callable[[], Clinic],
    tell: Callable[[str], None],
    *,
    port: int = 0,
    idle_minutes: float = IDLE_MINUTES,
    rows: bool = False,
) -> None:
    """Serve a clinic until somebody ends it.

    Parameters
    ----------
    open_clinic : callable
        Reads the folder.
    tell : callable
        Says a sentence to whoever started it, the address among them.
    port : int
        To listen on; 0 = any that is free.
    idle_minutes : float
        After which a browser has to enter again.
    rows : bool
        Whether pages of single patients may be opened.

    Raises
    ------
    DataProblems
        At the end, when the folder could not be read up to then.
    """
    # No window is opened, whatever the machine has.
    mpl.use("Agg")
    (socket,) = tornado.netutil.bind_sockets(port, HOST)
    guard = Guard(socket.getsockname()[1], idle_minutes)
    desk = Desk(open_clinic, guard, tell, rows)
    # A folder that cannot be read is told by the page.
    with suppress(DataProblems):
        await desk.work(desk.clinic)
    server = tornado.httpserver.HTTPServer(
        application(desk), max_body_size=_LARGEST_BODY
    )
    server.add_socket(socket)
    tell(f"The dashboard is at {guard.address}")
    tell("The address works once. Ctrl-C ends the dashboard.")
    await _until_ended()
    server.stop()
    await server.close_all_connections()
    if desk.problems is not None:
        raise desk.problems


async def _until_ended() -> None:
    """Wait for Ctrl-C, or for the system to ask for the end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows knows no such handlers: there Ctrl-C is an exception.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    await ended.wait()
