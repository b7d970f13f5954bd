"""A cluster of Dask on this machine, put to the test: a scheduler and two workers of 2 GB as
processes of their own, encrypted with certificates made here.

    python benchmarks/distributed_buckets.py [BUCKETS]

One worker is killed half-way. Counts and rows must be those of one process, to the last digit and
in the same order. Nobody without a certificate may come in, and no page may be seen from elsewhere.
It ends with 1 where something is otherwise. Run with `make distributed`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import trustme

import kettrack as kt

LOOPBACK = "127.0.0.1"
# As the settings of Dask spell the places of certificates in the environment.
SETTING = "DASK_DISTRIBUTED__COMM__"
WAIT = 60  # seconds for a process to be there


def main() -> None:
    """Start, ask, kill, compare."""
    n_buckets = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        kt.shard(kt.sample_folder(), place / "buckets", buckets=n_buckets)
        folder = kt.open_sharded(place / "buckets")
        alone = begin("one process")
        rows = pd.concat(kt.rows_by_bucket("timeline", folder))
        summary = kt.summarise_by_bucket(folder, "A").to_json()
        end(alone)
        os.environ.update(certificates(place))
        with cluster(place) as (address, workers, told):
            several = begin("scheduler and two workers, TLS")
            parts = []
            for number, part in enumerate(
                kt.rows_by_bucket("timeline", folder, address)
            ):
                parts.append(part)
                if number == n_buckets // 2:
                    # The worker and the nanny that would start it again.
                    os.killpg(workers[0].pid, signal.SIGKILL)
                    print(f"a worker is killed after bucket {number} of {n_buckets}")
            end(several)
            pd.testing.assert_frame_equal(pd.concat(parts), rows)
            print("rows are equal, in the same order")
            counted = begin("counts, by the worker that is left")
            assert kt.summarise_by_bucket(folder, "A", address).to_json() == summary
            end(counted)
            print("counts are equal")
            require_encrypted(address)
            require_hidden_pages(address, told)
            require_limit(address)


def begin(what: str) -> tuple[str, float]:
    """Look at the clock."""
    return what, time.perf_counter()


def end(begun: tuple[str, float]) -> None:
    """Say how long it took."""
    what, at = begun
    print(f"{what}: {time.perf_counter() - at:.1f} s", flush=True)


def certificates(place: Path) -> dict[str, str]:
    """A certificate authority of our own and a certificate for every process, as settings."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(place / "ca.pem")
    node = place / "node.pem"
    authority.issue_cert(
        LOOPBACK, "localhost"
    ).private_key_and_cert_chain_pem.write_to_path(node)
    node.chmod(0o600)
    found = {
        f"{SETTING}REQUIRE_ENCRYPTION": "True",
        f"{SETTING}TLS__CA_FILE": str(place / "ca.pem"),
    }
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        found[f"{SETTING}TLS__{role}__CERT"] = str(node)
        found[f"{SETTING}TLS__{role}__KEY"] = str(node)
    return found


@contextlib.contextmanager
def cluster(
    place: Path,
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]], Path]]:
    """Address, workers, and what the scheduler has told."""
    written = place / "scheduler.json"
    told = place / "scheduler.log"
    pages = ("--dashboard-address", f"{LOOPBACK}:0")
    processes = []
    try:
        scheduler = start(
            *("distributed.cli.dask_scheduler", "--host", LOOPBACK, "--port", "0"),
            *("--protocol", "tls", "--scheduler-file", str(written), *pages),
            log=told,
        )
        processes.append(scheduler)
        until(written.exists)
        address = json.loads(written.read_text())["address"]
        workers = [
            start(
                *("distributed.cli.dask_worker", address, "--nthreads", "1"),
                *("--memory-limit", "2GB", "--local-directory", str(place), *pages),
                log=place / f"worker-{number}.log",
            )
            for number in range(2)
        ]
        processes += workers
        until(lambda: n_workers(address) == 2)
        yield address, workers, told
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def start(module: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """A process with those that it starts in a group of its own."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def until(so: object) -> None:
    """Wait until something is so."""
    last = time.monotonic() + WAIT
    while not so():  # type: ignore[operator]
        if time.monotonic() > last:
            raise SystemExit("a process did not start")
        time.sleep(0.2)


def n_workers(address: str) -> int:
    """How many workers there are."""
    from distributed import Client

    with Client(address, timeout=WAIT) as client:
        return len(client.scheduler_info()["workers"])


def require_encrypted(address: str) -> None:
    """Nobody comes in without a certificate."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(SETTING)
    }
    knock = "import sys, distributed; distributed.Client(sys.argv[1], timeout=5)"
    for named in (address, address.replace("tls://", "tcp://")):
        tried = subprocess.run(
            [sys.executable, "-c", knock, named],
            env=plain,
            capture_output=True,
            check=False,
            timeout=WAIT,
        )
        if not tried.returncode:
            raise SystemExit(f"a client without a certificate was let in at {named}")
    print("nobody comes in without a certificate")


def require_hidden_pages(address: str, told: Path) -> None:
    """Pages and scheduler listen to this machine alone."""
    from distributed import Client

    with Client(address, timeout=WAIT) as client:
        ports = [client.scheduler_info()["services"].get("dashboard")]
    ports.append(int(address.rpartition(":")[2]))
    own = own_address()
    for port in filter(None, ports):
        for place, expected in ((LOOPBACK, True), (own, False)):
            if place == LOOPBACK or own != LOOPBACK:
                require_open(place, port, expected)
    print("pages and scheduler are seen from this machine alone")


def own_address() -> str:
    """The address under which others see this machine; loopback where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            # Nothing is sent: the system only says which way it would go.
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return LOOPBACK
        return str(asked.getsockname()[0])


def require_open(place: str, port: int, expected: bool) -> None:
    """Stop unless a port answers where it should, and only there."""
    with socket.socket() as asked:
        asked.settimeout(2)
        found = asked.connect_ex((place, port)) == 0
    if found != expected:
        raise SystemExit(f"port {port} at {place}: open is {found}")


def require_limit(address: str) -> None:
    """Workers may take 2 GB each."""
    from distributed import Client

    with Client(address, timeout=WAIT) as client:
        workers = client.scheduler_info()["workers"].values()
        limits = {worker["memory_limit"] for worker in workers}
    if limits != {2_000_000_000}:
        raise SystemExit(f"limits are {limits}")
    print("each worker may take 2 GB")


if __name__ == "__main__":
    main()
