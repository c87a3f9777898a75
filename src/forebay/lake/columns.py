"""What a table's columns can become: more of them, wider integers, and nothing else."""

from collections.abc import Iterator
from typing import NamedTuple

from pyiceberg.types import (
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    StructType,
)

_INTEGERS = (IntegerType, LongType)


class Conflict(NamedTuple):
    """A column that is wanted with a type that the present one cannot become or hold."""

    column: str
    """The name of the column at the top."""
    path: str
    present: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.path} is {self.present} and cannot become {self.wanted}"


def conflicts(present: StructType, wanted: StructType) -> list[Conflict]:
    """Return the columns of a table that are in the way of wanted ones, in the order of those."""
    found = {field.name: field for field in present.fields}
    return [
        Conflict(field.name, *clash)
        for field in wanted.fields
        if field.name in found
        for clash in _clashes(f"#/{field.name}", found[field.name].field_type, field.field_type)
    ]


def outdated_docs(present: StructType, wanted: StructType) -> list[tuple[str, ...]]:
    """Return the paths of the columns that say something which is true no more."""
    return list(_outdated((), present, wanted))


def _outdated(
    path: tuple[str, ...], present: IcebergType, wanted: IcebergType
) -> Iterator[tuple[str, ...]]:
    match present, wanted:
        case StructType(), StructType():
            found = {field.name: field for field in wanted.fields}
            for field in present.fields:
                if field.name in found:
                    here = (*path, field.name)
                    if field.doc and not found[field.name].doc:
                        yield here
                    yield from _outdated(here, field.field_type, found[field.name].field_type)
        case ListType(), ListType():
            yield from _outdated((*path, "element"), present.element_type, wanted.element_type)
        case MapType(), MapType():
            yield from _outdated((*path, "value"), present.value_type, wanted.value_type)
        case _:
            pass


def _clashes(path: str, present: IcebergType, wanted: IcebergType) -> Iterator[tuple[str, ...]]:
    match present, wanted:
        case StructType(), StructType():
            found = {field.name: field for field in present.fields}
            for field in wanted.fields:
                if field.name in found:
                    known = found[field.name].field_type
                    yield from _clashes(f"{path}/{field.name}", known, field.field_type)
        case ListType(), ListType():
            yield from _clashes(f"{path}/*", present.element_type, wanted.element_type)
        case MapType(), MapType():
            yield from _clashes(f"{path}/*", present.value_type, wanted.value_type)
        case _ if isinstance(present, _INTEGERS) and isinstance(wanted, _INTEGERS):
            pass  # an int widens, and a long holds whatever an int can be
        case _ if present != wanted:
            yield path, _word(present), _word(wanted)


def _word(kind: IcebergType) -> str:
    match kind:
        case StructType():
            return "a struct"
        case ListType():
            return "a list"
        case MapType():
            return "a map"
        case _:
            return "an int" if isinstance(kind, IntegerType) else f"a {kind}"
