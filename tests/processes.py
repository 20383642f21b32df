"""Real programs on this computer: servers, agents, and what stands between them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select

from hedgerow.server.security import enrolment, parties
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.settings import Settings
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.registry import catalog_bytes, put_catalog, put_task

PATIENCE = 90.0

PROGRAM = [sys.executable, "-c", "from hedgerow.cli.main import main; main()"]


def wait_until(holds, what, seconds=PATIENCE):
    """Wait on a condition; fail where it does not come."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, what() if callable(what) else what
        pause.wait(0.05)
    return found


def environment(**more):
    """Return an environment without proxies, in which programs are not coloured."""
    left_out = re.compile("(?i)(.*_proxy|HEDGEROW_.*)")
    kept = {name: value for name, value in os.environ.items() if not left_out.fullmatch(name)}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "500", "OPENBLAS_NUM_THREADS": "1", **more}


def hedgerow(*arguments, **more):
    """Run a command to its end."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=PATIENCE,
        check=False,
    )


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass
class Program:
    """A command that runs until it is told to stop."""

    said: Path
    process: subprocess.Popen

    @classmethod
    def start(cls, said, *arguments, **more):
        with said.open("ab") as file:
            process = subprocess.Popen(
                [*PROGRAM, *map(str, arguments)],
                stdout=subprocess.DEVNULL,
                stderr=file,
                env=environment(**more),
            )
        return cls(said, process)

    @property
    def text(self):
        return self.said.read_text()

    def wait_for(self, words):
        wait_until(lambda: words in self.text or self._ended(), lambda: f"{words}: {self.text}")
        assert words in self.text, self.text

    def _ended(self):
        return self.process.poll() is not None

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        """Ask it to stop; return how it ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        finally:
            self.process.kill()
            self.process.wait(20)


@dataclass
class Deployed:
    """A deployment's folder, and the processes that were started on it."""

    folder: Path
    plain: bool = True
    certificates: str = "none"
    port: int = field(default_factory=free_port)
    helper_port: int = field(default_factory=free_port)
    programs: list = field(default_factory=list)

    def __post_init__(self):
        if not self.folder.exists():
            self.folder.mkdir()
            parties.make_rehearsal(self.folder, self.url)
        self.database = Database.open(Settings(self.folder).database_url)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.database.close()
        for program in reversed(self.programs):
            program.stop()

    @property
    def url(self):
        return f"{'http' if self.plain else 'https'}://127.0.0.1:{self.port}"

    @property
    def ca(self):
        return self.folder / parties.CA

    @property
    def deployment(self):
        return self.folder / parties.DEPLOYMENT

    def serve(self, role="coordinator", *options):
        port = self.port if role == "coordinator" else self.helper_port
        said = self.folder / f"{role}.log"
        asking = ["--client-certificates", self.certificates] if role == "coordinator" else []
        transport = ["--plain-http"] if self.plain else asking
        program = Program.start(
            said, "serve", self.folder, "--role", role, "--port", port, *transport, *options
        )
        self.programs.append(program)
        answers = speaks if self.plain else listens
        wait_until(lambda: answers(port) or program._ended(), lambda: program.text)
        assert not program._ended(), program.text
        return program

    def serve_both(self):
        scheme = "http" if self.plain else "https"
        self.serve("helper")
        return self.serve("coordinator", "--helper", f"{scheme}://127.0.0.1:{self.helper_port}")

    def task(self, task, catalog):
        with self.database.write() as connection:
            blobs = open_blobs(Settings(self.folder).blobs_place)
            body = catalog_bytes(catalog)
            name = put_catalog(connection, blobs, body, time.time())
            put_task(connection, replace(task, catalog=name), time.time())

    def token(self, name, users=None, ttl=3600):
        kind = ClientKind.DEVICE if users is None else ClientKind.SILO
        with self.database.write() as connection:
            return enrolment.new_token(connection, kind, name, users or 1, ttl=ttl, clock=time.time)

    def join(self, agent, *options, **more):
        """Start an agent that runs until it is stopped."""
        program = Program.start(agent.with_suffix(".log"), "join", agent, *options, **more)
        self.programs.append(program)
        return program

    def rows(self, table, *where):
        with self.database.read() as connection:
            return connection.execute(select(table).where(*where)).all()

    def status(self):
        return [row.status for row in self.rows(tables.runs)]

    def said(self):
        return "\n".join(f"== {p.said.name}\n{p.text[-2000:]}" for p in self.programs)

    def wait_for_the_run(self):
        wait_until(lambda: self.status() and "running" not in self.status(), self.said)
        assert self.status() == ["done"], (self.rows(tables.runs)[0].note, self.said())


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def speaks(port):
    """Return whether a server without TLS answers, and so has begun to listen to signals, too."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asking:
        asking.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
        return bool(asking.recv(1))
    return False


class Proxy:
    """An HTTP proxy that passes CONNECT on, and keeps what it was asked."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked, self._threads, self._sockets = [], [], []
        self._threads.append(threading.Thread(target=self._accept))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *exc):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(20)
        for each in self._sockets:
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._serve, client)

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _serve(self, client):
        head = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in head and (data := client.recv(4096)):
                head += data
            line = head.partition(b"\r\n")[0].decode()
            self.asked.append(line)
            method, where, _ = line.split(" ")
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
                return
            host, _, port = where.rpartition(":")
            server = socket.create_connection((host, int(port)))
            self._sockets.append(server)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self._start(_pass, client, server)
            _pass(server, client)


def _pass(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
