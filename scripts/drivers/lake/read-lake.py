"""Reads the lake's table through the catalog of central, with a reader that shares no line of code with it.

Standard input: one JSON object {"reader", "url", "key", "extensions", "statements"}. Standard output: one JSON array a row, in the order
of topic, partition and offset. With statements, which DuckDB alone takes, they are run instead: the rows are the last one's.
"""
import json
import sys

NAMES = ["topic", "partition", "offset", "vehicle", "stream", "event_time", "kafka_time", "agent", "epoch", "lane", "seq", "body"]


def by_duckdb(url, key, extensions, statements):
    import duckdb

    database = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    for path in extensions:
        database.execute(f"load '{path}'")
    database.execute("set timezone = 'UTC'")
    if key:
        database.execute(f"create secret catalog (type iceberg, token '{key}')")
        database.execute(f"attach 'lake' as lake (type iceberg, endpoint '{url}/iceberg', secret catalog)")
    else:
        database.execute(f"attach 'lake' as lake (type iceberg, endpoint '{url}/iceberg', authorization_type 'none')")
    for statement in statements[:-1]:
        database.execute(statement)
    if statements:
        return database.execute(statements[-1]).fetchall()
    columns = ", ".join(
        {"event_time": "epoch_ms(event_time)", "kafka_time": "epoch_ms(kafka_time)", "body": "lower(hex(body))"}.get(name, f'"{name}"')
        for name in NAMES
    )
    return database.execute(f"select {columns} from lake.tailgate.events order by topic, partition, \"offset\"").fetchall()


def by_pyiceberg(url, key, _extensions, _statements):
    from pyiceberg.catalog.rest import RestCatalog

    catalog = RestCatalog("lake", uri=f"{url}/iceberg", **({"token": key} if key else {}))
    rows = catalog.load_table("tailgate.events").scan().to_arrow().sort_by([(name, "ascending") for name in NAMES[:3]])
    millis = lambda time: round(time.timestamp() * 1000)
    plain = {"event_time": millis, "kafka_time": millis, "body": lambda body: None if body is None else body.hex()}
    return [[plain.get(name, lambda value: value)(row[name]) for name in NAMES] for row in rows.to_pylist()]


def main():
    asked = json.load(sys.stdin)
    reader = {"duckdb": by_duckdb, "pyiceberg": by_pyiceberg}[asked["reader"]]
    for row in reader(asked["url"], asked["key"], asked["extensions"], asked["statements"]):
        sys.stdout.write(json.dumps(list(row)) + "\n")


main()
