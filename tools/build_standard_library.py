"""
Make the table of facts about the XDM standard library that the platform ships.

Reads a checkout of the XDM repository with its ``index.json`` and writes
``src/forebay/xdm/standard/library.json.gz``. The same input gives the same bytes. Run it again
when the checkout changes::

    python tools/build_standard_library.py --xdm ../shared/xdm
"""

import argparse
from pathlib import Path
from typing import Any

from forebay.kernel import json
from forebay.xdm.checkout import Component, pack
from forebay.xdm.conversion import convert

_ROOT = Path(__file__).resolve().parent.parent
_VERSION = "1.31.4"
"""The library release of the checkout, as its README states it."""


def _component(checkout: Path, row: dict[str, Any]) -> Component:
    document = json.decode((checkout / row["path"]).read_bytes())
    return Component(row["kind"], row["status"], convert(document))


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
    packed = pack(_VERSION, [_component(arguments.xdm, row) for row in rows])
    arguments.output.write_bytes(packed)
    print(f"{len(rows)} resources, {len(packed)} bytes packed")


if __name__ == "__main__":
    main()
