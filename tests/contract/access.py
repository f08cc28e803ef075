"""The contract where not everyone may: with tokens, and without them for what a browser could send."""

import contextlib
import hashlib
import os

from contract import NEW
from service import Service

TOKENS = {scope: f"sd_{scope}" for scope in ("read", "write", "admin")}


@contextlib.contextmanager
def tokens_in_force(contract):
    """The contract's calls go to a service with a token of each scope, read being the one of ci."""
    before = contract.service
    service = Service(before.command[0])
    path = os.path.join(service.folder.name, "tokens")
    with open(path, "w", encoding="ascii") as file:
        for scope, token in TOKENS.items():
            file.write(f"ci:{scope}:{hashlib.sha256(token.encode()).hexdigest()}\n")
    contract.service = service.start("--token-file", path)
    try:
        yield
    finally:
        contract.service = before
        contract.failures += service.stop()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def scope_of(method, pattern):
    if pattern.startswith("/admin/"):
        return "admin"
    return "read" if method in ("GET", "HEAD") else "write"


def is_open(operation):
    return operation.get("security") == []


def targets(contract):
    """(method, target, scope, operation) of everything that is described."""
    for method, pattern, operation in contract.document.operations.values():
        target = pattern.replace("{id}", "00000000-0000-4000-8000-000000000000").replace("{name}", "reader")
        yield method, target, scope_of(method, pattern), operation


def tokens(contract):
    """Without a token, with a wrong one, and with one that may less."""
    with tokens_in_force(contract):
        for method, target, scope, operation in targets(contract):
            if is_open(operation):
                contract.call(200, method, target)
                continue
            for headers, error in (({}, ""), (bearer("x"), ', error="invalid_token"')):
                refused = contract.problem("unauthorized", 401, method, target, headers=headers)
                contract.equal(refused.headers.get("www-authenticate"), f'Bearer realm="sessiond"{error}',
                               f"{method} {target}: WWW-Authenticate")
            if scope == "read":
                continue
            less = "read" if scope == "write" else "write"
            refused = contract.problem("forbidden", 403, method, target, headers=bearer(TOKENS[less]))
            contract.equal(refused.headers.get("www-authenticate"),
                           f'Bearer realm="sessiond", error="insufficient_scope", scope="{scope}"',
                           f"{method} {target}: WWW-Authenticate")
        contract.call(201, "POST", "/sessions", NEW, headers=bearer(TOKENS["write"]))
        contract.call(200, "POST", "/admin/backup", headers=bearer(TOKENS["admin"]))


def browsers(contract):
    """Without tokens: another name of the server, another origin, and a form's body."""
    for method, target, _, operation in targets(contract):
        if is_open(operation):
            contract.call(200, method, target, headers={"Host": "evil.example"})
        else:
            contract.problem("misdirected", 421, method, target, headers={"Host": "evil.example"})
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            contract.problem("cross-origin", 403, method, target, headers=headers)
    for body in (b"", b"x=y"):
        contract.problem("unsupported-media-type", 415, "POST", "/admin/backup", body,
                         "application/x-www-form-urlencoded")


CHECKS = [tokens, browsers]
