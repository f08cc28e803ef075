"""What the property-based tester has to be told of this service's headers."""

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
