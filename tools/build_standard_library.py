"""
Make the table of facts about the XDM standard library that the platform ships.

Reads a checkout of the XDM repository with its ``index.json`` and writes
``src/forebay/xdm/standard/library.json.gz``. The same input gives the same bytes. Run it again
when the checkout changes::

    python tools/build_standard_library.py --xdm ../shared/xdm
"""

import argparse
import gzip
from pathlib import Path
from typing import Any

from forebay.kernel import json
from forebay.xdm.conversion import convert

_ROOT = Path(__file__).resolve().parent.parent
_VERSION = "1.31.4"
"""The library release of the checkout, as its README states it."""


def _entry(checkout: Path, row: dict[str, Any]) -> dict[str, Any]:
    document = json.decode((checkout / row["path"]).read_bytes())
    return {"kind": row["kind"], "status": row["status"], "document": convert(document)}


def main() -> None:
    """Write the table and print its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xdm", type=Path, default=_ROOT.parent / "shared" / "xdm")
    parser.add_argument(
        "--output",
        type=Path,
        default=_ROOT / "src" / "forebay" / "xdm" / "standard" / "library.json.gz",
    )
    arguments = parser.parse_args()
    rows = sorted(json.decode((arguments.xdm / "index.json").read_bytes()), key=lambda r: r["$id"])
    table = json.encode(
        {"version": _VERSION, "resources": [_entry(arguments.xdm, row) for row in rows]}
    )
    packed = gzip.compress(table, compresslevel=9, mtime=0)
    arguments.output.write_bytes(packed)
    print(f"{len(rows)} resources, {len(table)} bytes, {len(packed)} packed")


if __name__ == "__main__":
    main()
