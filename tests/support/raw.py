"""Requests as bytes on a socket, for what no well-behaved client would send."""

import socket

PATIENCE_S = 60


def connect(service):
    host, port = service.address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), PATIENCE_S)
    connection.settimeout(PATIENCE_S)
    return connection


def send(connection, data):
    """False when the service closed before it had read everything."""
    try:
        connection.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def read_all(connection):
    """Everything until the service closes, or resets."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def read_until_end(connection):
    """Everything until the service closes; None when it resets."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        return None
    return received


def read_response(connection):
    """(status, headers, body) of one response; None when the connection ended before it."""
    head = b""
    while b"\r\n\r\n" not in head:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return None
        if not chunk:
            return None
        head += chunk
    head, _, body = head.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        chunk = connection.recv(65536)
        if not chunk:
            return None
        body += chunk
    return int(lines[0].split()[1]), headers, body


def exchange(service, data):
    """One request on a connection of its own."""
    connection = connect(service)
    try:
        send(connection, data)
        return read_response(connection)
    finally:
        connection.close()


def request(method, target, *headers, body=b""):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def session_of(length):
    """The body of so many bytes that creates a session, or its beginning where that is longer."""
    head = b'{"project_path":"/p","thread_id":"t","context":{"a":"'
    return (head + b"x" * (length - len(head) - 3) + b'"}}')[:length]
