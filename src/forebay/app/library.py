"""
A checkout of the XDM repository becomes the standard library of this installation.

Everything is checked before anything is written: the files, that every component composes, and
that what the tenants have goes on working. Then one file is replaced, durably; the platform reads
it when it starts.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from forebay.app.data_directory import DataDirectory
from forebay.control.schemas.renewal import faults_of_renewal, tenant_ids
from forebay.control.store.engine import ControlStore
from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import make_directory, replace_durably
from forebay.xdm.checkout import FOLDERS, SUFFIX, Component, pack, read_components, unpack
from forebay.xdm.composition import CompositionError, compose
from forebay.xdm.patterns import PatternRefused
from forebay.xdm.standard import Kind, StandardLibrary, unreadable

FILE_BYTES_MAX = 4 * 1_048_576
FAULTS_SHOWN_MAX = 20
_HOME = "https://ns.adobe.com/"
_ID_KINDS = ("schemas", "mixins", "classes", "datatypes")


class CheckoutInvalid(PlatformError):
    """A folder is no checkout of the XDM repository, or something in it cannot be used."""

    code = "XDM-1003"
    status = 400
    title = "XDM checkout invalid"
    disposition = Disposition.REJECT


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has done."""

    version: str
    counts: dict[str, int]
    """How many components of each kind the checkout has, as the library calls the kinds."""
    skipped: dict[str, int]
    """How many JSON files were not read, by the reason."""
    kept: int
    """Components that the checkout does not have and that stay."""
    file: Path


def import_checkout(data: DataDirectory, checkout: Path, *, version: str | None = None) -> Report:
    """
    Put a checkout in the place of the library that was imported before; return what it holds.

    What the checkout lacks and an earlier import had, or the package has, stays. When this
    returns, the new library survives the loss of power; a running server goes on with the one
    that it has read.

    Args:
        data: The installation.
        checkout: The folder with ``components`` in it.
        version: The library's release; by default what its ``package.json`` says.

    Raises:
        CheckoutInvalid: Something is wrong; nothing was replaced.
    """
    files, skipped = _read_files(checkout)
    components, faults = read_components(files)
    _refuse(checkout, faults)
    former = StandardLibrary(data.library)
    version = version or _version(checkout) or former.version
    merged, kept = _merged(data, components)
    packed = pack(version, merged)
    control = ControlStore.at(data.control)
    try:
        _refuse(checkout, _intruders(components, tenant_ids(control)))
        renewed = StandardLibrary(packed)
        _refuse(checkout, _unusable(components, renewed))
        _refuse(checkout, faults_of_renewal(control, former, renewed))
    finally:
        control.close()
    make_directory(data.library.parent)
    replace_durably(data.library, packed)
    return Report(
        version=version,
        counts=dict(Counter(component.kind for component in components)),
        skipped=skipped,
        kept=kept,
        file=data.library,
    )


def _read_files(checkout: Path) -> tuple[dict[str, bytes], dict[str, int]]:
    if not (checkout / "components" / "behaviors").is_dir():
        raise CheckoutInvalid(
            f"{checkout} is no checkout of the XDM repository: there is no components/behaviors "
            "in it. Name the folder that holds components, schemas and extensions"
        )
    files: dict[str, bytes] = {}
    skipped: Counter[str] = Counter()
    for folder, subfolders, names in os.walk(checkout):
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            inside = path.relative_to(checkout)
            if path.suffix != ".json":
                continue
            if inside.parts[0] not in FOLDERS:
                skipped[f"not in {', '.join(FOLDERS)}"] += 1
            elif not name.endswith(SUFFIX):
                skipped[f"not named *{SUFFIX} (examples)"] += 1
            else:
                files[inside.as_posix()] = _content(path)
    return files, dict(skipped)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise CheckoutInvalid(f"{path} has {size} bytes; at most {FILE_BYTES_MAX} are possible")
        return path.read_bytes()
    except OSError as error:
        raise CheckoutInvalid(f"{path} cannot be read: {error.strerror}") from None


def _version(checkout: Path) -> str | None:
    """Return the release that ``package.json`` states, None if it states none."""
    file = checkout / "package.json"
    if not file.is_file():
        return None
    try:
        package = json.decode(_content(file))
    except json.NotJson as error:
        raise CheckoutInvalid(f"{file}: not JSON: {error}") from None
    version = package.get("version") if isinstance(package, dict) else None
    return version if isinstance(version, str) and version else None


def _merged(data: DataDirectory, components: list[Component]) -> tuple[list[Component], int]:
    """Return the components with those of the earlier import that are not among them."""
    ids = {str(component.document["$id"]) for component in components}
    try:
        earlier = unpack(data.library.read_bytes()) if data.library.is_file() else []
    except ValueError as error:
        raise unreadable(data.library, error) from None
    kept = [component for component in earlier if component.document["$id"] not in ids]
    merged = sorted([*components, *kept], key=lambda item: str(item.document["$id"]))
    return merged, len(kept)


def _intruders(components: Iterable[Component], tenants: list[str]) -> list[str]:
    """Return the ids that lie where the ids of a tenant's own resources lie."""
    prefixes = tuple(f"{_HOME}{tenant}/{kind}/" for tenant in tenants for kind in _ID_KINDS)
    return [
        f"{resource_id}: lies in the namespace of a tenant of this installation"
        for resource_id in (str(component.document["$id"]) for component in components)
        if resource_id.startswith(prefixes)
    ]


def _unusable(components: Iterable[Component], library: StandardLibrary) -> list[str]:
    """Return which components cannot be composed, and why."""
    faults: list[str] = []
    for component in components:
        resource = library.find(component.document["$id"])
        try:
            if resource is not None and resource["meta:resourceType"] != Kind.DESCRIPTOR.value:
                compose(resource, library)
        except (CompositionError, PatternRefused) as error:
            faults.append(error.message)
    return faults


def _refuse(checkout: Path, faults: list[str]) -> None:
    if faults:
        more = len(faults) - FAULTS_SHOWN_MAX
        shown = [*faults[:FAULTS_SHOWN_MAX], *([f"and {more} more"] if more > 0 else [])]
        raise CheckoutInvalid(
            f"{checkout} cannot be imported; nothing was replaced:\n  " + "\n  ".join(shown)
        )
