"""How Schemathesis writes a body that is not JSON."""

import schemathesis


@schemathesis.serializer("application/vnd.tailgate.record-batches")
def record_batches(context, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")}
