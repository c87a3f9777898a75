"""
Every setting, its default, its unit and its reason.

Precedence: defaults < ``forebay.toml`` < environment ``FOREBAY_…`` < flags. Nested settings are
written ``FOREBAY_LOG__SEGMENT_BYTES_MAX`` in the environment and ``[log]`` in the file.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from forebay.kernel import json, limits
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import replace_durably

CONFIG_FILE = Path("forebay.toml")
_SERVER_FILE = Path("run/server.json")
_ADDRESSES = {
    "host",
    "platform_port",
    "collection_port",
    "public_platform_url",
    "public_collection_url",
}


class SettingsRejected(PlatformError):
    """A setting has a value that cannot be used."""

    code = "APP-1400"
    status = 400
    title = "Setting rejected"
    disposition = Disposition.STOP


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LogSettings(_Section):
    """② the durable log."""

    segment_bytes_max: int = Field(
        limits.SEGMENT_BYTES_MAX,
        ge=4096,
        description="Size at which a segment is closed; whole segments are dropped, never parts.",
    )
    queue_bytes_max: int = Field(
        limits.APPEND_QUEUE_BYTES_MAX,
        ge=limits.REQUEST_BYTES_MAX,
        description="Bytes waiting for a group commit; beyond it the answer is 503 NOT_STORED.",
    )
    disk_reserve_bytes: int = Field(
        limits.DISK_RESERVE_BYTES,
        ge=0,
        description="Free space below which nothing more is accepted (or 5 % of the disk, "
        "whichever is less).",
    )
    retention_hours: float = Field(
        24.0,
        ge=0,
        description="Time for which the log keeps what the lake already has.",
    )


class LakeSettings(_Section):
    """④ the lake."""

    flush_seconds: float = Field(
        5.0, gt=0, description="Longest time a record waits for its Iceberg commit."
    )
    flush_bytes: int = Field(
        128 * 1_048_576, ge=1, description="Bytes of records after which a commit is made earlier."
    )


class ProcessingSettings(_Section):
    """③ processing."""

    duplicate_window_hours: float = Field(
        24.0,
        ge=0,
        description="Time for which an event's `_id` is its own in its dataset: the same content "
        "is dropped, other content becomes a failed record; 0 turns the rule off.",
    )


class Settings(BaseSettings):
    """The settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="FOREBAY_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    data: Path = Field(Path("forebay-data"), description="Directory that holds everything.")
    host: str = Field("127.0.0.1", description="Address both listeners bind to.")
    platform_port: int = Field(8080, ge=1, le=65535, description="Port of the platform API.")
    collection_port: int = Field(8081, ge=1, le=65535, description="Port of the collection API.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Collection processes; each writes a log partition of its own.",
    )
    public_platform_url: str | None = Field(
        None, description="Base URL under which clients reach the platform API.  [http://host:port]"
    )
    public_collection_url: str | None = Field(
        None,
        description="Base URL under which clients reach the inlets; inletUrl begins with it.  "
        "[http://host:port]",
    )
    sync_validation_per_minute: int = Field(
        limits.SYNC_VALIDATION_PER_MINUTE,
        ge=0,
        description="Synchronous validations per inlet and minute, as in AEP; 0 means no limit.",
    )
    log: LogSettings = LogSettings()
    processing: ProcessingSettings = ProcessingSettings()
    lake: LakeSettings = LakeSettings()

    @property
    def platform_base(self) -> str:
        """Return the base URL of the platform API, without a trailing slash."""
        return _base(self.public_platform_url, self.host, self.platform_port)

    @property
    def collection_base(self) -> str:
        """Return the base URL of the collection API, without a trailing slash."""
        return _base(self.public_collection_url, self.host, self.collection_port)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is given
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is given
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=CONFIG_FILE)
        return (init_settings, env_settings, toml)


def load(**flags: object) -> Settings:
    """
    Return the settings in force; flags that are None count as not given.

    Raises:
        SettingsRejected: A value cannot be used; the message names it and what would be right.
    """
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])} = {problem['input']!r}: "
            f"{problem['msg']}"
            for problem in error.errors()
        )
        raise SettingsRejected(f"Setting rejected: {problems}") from None


def _base(url: str | None, host: str, port: int) -> str:
    if url is not None:
        return url.rstrip("/")
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def remember(settings: Settings, data: Path) -> None:
    """Keep the addresses of a starting server, so that the other commands find it."""
    kept = settings.model_dump(mode="json", include=_ADDRESSES)
    replace_durably(data / _SERVER_FILE, json.encode(kept))


def recall(settings: Settings) -> Settings:
    """Return `settings` with the addresses of the server last started on their data directory."""
    file = settings.data / _SERVER_FILE
    if not file.is_file():
        return settings
    kept = json.decode(file.read_bytes())
    given = settings.model_fields_set
    return settings.model_copy(update={k: v for k, v in kept.items() if k not in given})
