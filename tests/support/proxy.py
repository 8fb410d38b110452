"""A TCP proxy before a server, which cuts the connections at a moment of the test's choosing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.postgres import free_port


class Proxy:
    """Passes everything on, until it cuts every connection as a network does that fails.

    cut_before: bytes in a client's message; it is not passed on. cut_after: bytes in one that is
    passed on, and whose answer is swallowed. skip: how many such messages to let through first.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.cut_before = b""
        self.cut_after = b""
        self.skip = 0
        self.swallowing = False
        self.lines: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """The same database through the proxy."""
        through = url.replace(f"@localhost:{self.target}/", f"@127.0.0.1:{self.port}/")
        return f"{through}?sslmode=disable&gssencmode=disable"

    def cut(self) -> None:
        """Close every connection."""
        for line in self.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()
        self.cut()
        for line in self.lines:
            line.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self.lines += [client, server]
                _start(client, lambda data, to=server: self._ask(data, to))
                _start(server, lambda data, to=client: self._answer(data, to))

    def _ask(self, data: bytes, server: socket.socket) -> None:
        sign = self.cut_before or self.cut_after
        if sign and sign in data:
            self.skip -= 1
            if self.skip < 0 and self.cut_before:
                return self.cut()
            self.swallowing = self.skip < 0
        return server.sendall(data)

    def _answer(self, data: bytes, client: socket.socket) -> None:
        if self.swallowing:
            self.cut()
        else:
            client.sendall(data)


def _start(source: socket.socket, pass_on: Callable[[bytes], None]) -> None:
    def run() -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                pass_on(data)
            source.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=run, daemon=True).start()


@contextmanager
def running(target: int) -> Iterator[Proxy]:
    """A proxy to a port of this machine."""
    proxy = Proxy(free_port(), target)
    try:
        yield proxy
    finally:
        proxy.close()
