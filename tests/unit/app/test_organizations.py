"""Organizations made from the command line."""

from pathlib import Path

import pytest

from forebay.app import credentials
from forebay.app.data_directory import DataDirectory
from forebay.app.organizations import create_organization
from forebay.control.access.model import OrganizationExists


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


def test_the_first_organization_is_the_one_that_commands_speak_for(data: DataDirectory) -> None:
    first = create_organization(data, "First")
    second = create_organization(data, "Second")

    assert credentials.get(data.credentials) == first
    assert credentials.get(data.credentials, second.org_id) == second


def test_credentials_are_kept_for_the_owner_only(data: DataDirectory) -> None:
    create_organization(data, "First")

    modes = {file.stat().st_mode & 0o777 for file in data.credentials.iterdir()}
    assert modes == {0o600}


def test_a_name_is_taken_once(data: DataDirectory) -> None:
    create_organization(data, "Acme")

    with pytest.raises(OrganizationExists, match="Acme"):
        create_organization(data, "Acme")
