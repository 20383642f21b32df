"""All that a browser sends and is sent, whatever it is and wherever it goes: a SOCKS proxy."""

import contextlib
import re
import socket
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote

from hedgerow.privacy.audits.wire import Search, shortest_name


@dataclass
class Stream:
    """One connection."""

    host: str
    port: int
    up: bytearray = field(default_factory=bytearray)


class Wiretap:
    """A SOCKS 5 proxy (RFC 1928) that keeps what passes upwards, and can be cut."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.streams, self._sockets, self._threads = [], [], []
        self._open = threading.Event()
        self._open.set()
        self._start(self._accept)

    @property
    def url(self):
        return f"socks5://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()
        for thread in list(self._threads):
            thread.join(20)
            assert not thread.is_alive()

    def cut(self):
        """Let nothing through until it is mended."""
        self._open.clear()
        self._hang_up()

    def mend(self):
        self._open.set()

    def sent_to(self, port):
        """All that went to a port of this computer."""
        return b"".join(stream.up for stream in self.streams if stream.port == port)

    @property
    def requests(self):
        """The first lines of all requests, by port."""
        line = re.compile(rb"^([A-Z]+ \S+) HTTP/1\.1\r$", re.MULTILINE)
        return [
            (stream.port, found.decode())
            for stream in self.streams
            for found in line.findall(stream.up)
        ]

    def _hang_up(self):
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._serve, client)

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            _exactly(client, _exactly(client, 2)[1])
            client.sendall(b"\x05\x00")
            kind = _exactly(client, 4)[3]
            size = {1: 4, 4: 16}.get(kind) or _exactly(client, 1)[0]
            host, port = _exactly(client, size), int.from_bytes(_exactly(client, 2), "big")
            name = host.decode() if kind == 3 else socket.inet_ntop(_FAMILIES[kind], host)
            stream = Stream(name, port)
            self.streams.append(stream)
            if name not in {"127.0.0.1", "localhost"} or not self._open.is_set():
                client.sendall(b"\x05\x02\x00\x01" + bytes(6))
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                self._sockets.append(server)
                client.sendall(b"\x05\x00\x00\x01" + bytes(6))
                self._start(_pass, server, client, None)
                _pass(client, server, stream.up)


_FAMILIES = {1: socket.AF_INET, 4: socket.AF_INET6}


def _exactly(source, count):
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise OSError("the browser hung up")
        data += more
    return data


def _pass(source, target, kept):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            if kept is not None:
                kept += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def written(name):
    """A name in every way of writing that comes to mind."""
    data = name.encode()
    yield from (data, data[::-1], name.upper().encode(), name.encode("utf-16-le"))
    yield from (data.hex().encode(), data.hex().upper().encode(), quote(name, safe="").encode())
    yield "".join(f"%{byte:02X}" for byte in data).encode()
    yield "".join(f"\\u{ord(letter):04x}" for letter in name).encode()
    yield ",".join(map(str, data)).encode()
    for before in range(3):
        # Only whole groups of three bytes are written alike wherever they stand.
        inner = b64encode(bytes(before) + data)[4 if before else 0 :][: (len(data) - 2) // 3 * 4]
        yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def findings(sent, names, secrets=(), vectors=()):
    """Names, in any way of writing, and secrets, as they are, that stand in what was sent."""
    search = Search({}, shortest_name(1, 1))
    for name in names:
        for text in written(name):
            search.hide(text, name)
    for secret in secrets:
        search.hide(secret, "a secret")
    for vector in vectors:
        search.hide_vector(vector, "a vector")
    search.look(bytes(sent), "what was sent")
    return search.findings
