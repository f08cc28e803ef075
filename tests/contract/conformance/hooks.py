"""What the property-based tester has to be told of this service."""

import json
import re
import uuid

import schemathesis

KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(context, case, kwargs):
    """A key belongs to one request: each that has a good one gets its own. A link's value may be a number; a header is
    text."""
    for name, value in (case.headers or {}).items():
        if isinstance(value, int):
            case.headers[name] = str(value)
        elif name == KEY and any(parameter.name == KEY and re.fullmatch(parameter.definition["schema"]["pattern"], value)
                                 for parameter in case.operation.headers):
            case.headers[name] = f'"{uuid.uuid4()}"'
    # What may be waited for a minute is waited for a second, so that the tester does not give up.
    if str((case.query or {}).get("wait")) in map(str, range(2, 61)):
        case.query["wait"] = 1


@schemathesis.hook
def filter_case(context, case):
    """A header that means nothing to a server is none of its business (RFC 9110 section 5.1)."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(context, value):
    """One JSON text a line."""
    if isinstance(value, (bytes, str)):
        return value
    items = value if isinstance(value, list) else [value]
    return "".join(json.dumps(item) + "\n" for item in items).encode()
