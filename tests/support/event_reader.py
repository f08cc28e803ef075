"""A reader of an event stream on a socket of its own, which sees the bytes as they come."""

import json
import socket
import ssl
import time

PATIENCE_S = 60


class Frame:
    def __init__(self, text):
        self.text = text
        self.comment = False
        self.fields = {}
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            if name == "":
                self.comment = True
            else:
                self.fields[name] = value.removeprefix(" ")

    @property
    def id(self):
        return int(self.fields["id"]) if "id" in self.fields else None

    @property
    def type(self):
        return self.fields.get("event")

    @property
    def data(self):
        return json.loads(self.fields["data"]) if "data" in self.fields else None

    def is_event(self):
        return "data" in self.fields and self.type != "reset"


class Stream:
    """GET of `target` as an event stream. `headers` are lines."""

    def __init__(self, address, target="/events", *headers, version="1.1", context=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        lines = [f"GET {target} HTTP/{version}", "Host: localhost", "Accept: text/event-stream", *headers]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        self.raw = b""       # what came and is not decoded yet
        self.text = b""      # decoded, and no whole frame yet
        self.ended = False   # by its last chunk, or, without chunks, by the connection's end
        self.broken = False  # the connection ended before
        self.head = self.read_head()
        self.chunked = "transfer-encoding" in self.head

    def receive(self, until):
        left = until - time.monotonic()
        if left <= 0:
            return False
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        if not data:
            self.broken = True
        self.raw += data
        return bool(data)

    def read_head(self):
        until = time.monotonic() + PATIENCE_S
        while b"\r\n\r\n" not in self.raw:
            if not self.receive(until):
                raise OSError("the connection ended before the head was there")
        head, _, self.raw = self.raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def decode(self):
        if not self.chunked:
            self.text, self.raw = self.text + self.raw, b""
            self.ended = self.broken
            return
        while b"\r\n" in self.raw:
            size, _, rest = self.raw.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self.text += rest[:length]
            self.raw = rest[length + 2:]
            if length == 0:
                self.ended = True
                return

    def frame(self, patience_s=PATIENCE_S):
        """The next frame; None when none came in time, or the stream is over."""
        until = time.monotonic() + patience_s
        while True:
            self.decode()
            if b"\n\n" in self.text:
                frame, _, self.text = self.text.partition(b"\n\n")
                return Frame(frame.decode())
            if self.ended or self.broken or not self.receive(until):
                self.decode()
                if b"\n\n" not in self.text:
                    return None

    def event(self, patience_s=PATIENCE_S):
        """The next event, passing over comments and bare ids."""
        until = time.monotonic() + patience_s
        while (frame := self.frame(until - time.monotonic())) is not None:
            if frame.is_event():
                return frame
        return None

    def events(self, count, patience_s=PATIENCE_S):
        found = []
        while len(found) < count and (frame := self.event(patience_s)) is not None:
            found.append(frame)
        return found

    def close(self):
        self.socket.close()
