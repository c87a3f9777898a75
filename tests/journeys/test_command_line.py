"""The commands as their users type them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forebay.cli import _COMMANDS
from forebay.kernel import json
from support.server import Client, Server, a_person, free_port

SHAPE = {
    "platform_url",
    "collection_url",
    "ims_url",
    "org_id",
    "client_id",
    "client_secret",
    "technical_account_id",
    "scopes",
    "sandbox",
    "tenant_id",
}


def forebay(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forebay.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    shown = forebay(command, "--help")

    assert shown.returncode == 0
    assert "Usage:" in shown.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    assert "_FOREBAY_COMPLETE" in forebay("completion", shell).stdout


def test_a_shell_completes_commands() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", "from forebay.cli import main; main(prog_name='forebay')"],
        env=os.environ
        | {"_FOREBAY_COMPLETE": "bash_complete", "COMP_WORDS": "forebay s", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    completions = [line.split(",")[1] for line in completed.stdout.split()]
    assert completions == ["serve", "send", "status", "schema"]


def test_credentials_have_the_fixed_shape(server: Server) -> None:
    created = json.decode(
        server.command("org", "create", "--name", "Shape", "--format", "json").stdout
    )

    assert set(server.credentials()) == SHAPE
    assert set(created) == SHAPE
    assert server.credentials("--org", created["org_id"]) == created


@pytest.mark.parametrize("form", ["env", "aepp", "postman", "connect"])
def test_credentials_are_printed_for_other_clients(server: Server, form: str) -> None:
    client_id = server.credentials()["client_id"]

    assert client_id in server.command("credentials", "--format", form).stdout


def test_credentials_of_an_unknown_organization_are_not_found(server: Server) -> None:
    refused = server.command("credentials", "--org", "nobody", check=False)

    assert refused.returncode == 1
    assert "APP-1405" in refused.stderr


def test_a_token_from_the_command_line_opens_the_platform(server: Server, client: Client) -> None:
    token = server.command("token").stdout.strip()

    answer = server.http.get(
        f"{server.platform_url}/data/foundation/sandbox-management/",
        headers=client.headers | {"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 200


def test_tokens_of_an_older_key_stay_valid(server: Server, client: Client) -> None:
    server.command("keys", "rotate")

    answer = client.call("GET", "/data/foundation/sandbox-management/")

    assert answer.status_code == 200
    assert client.access_token() != client.token


def test_generated_records_are_valid(server: Server, client: Client) -> None:
    client.people("generated people")
    client.events("generated events")

    sent = server.command("send", "--dataset", "generated people", "--samples", "250")
    server.command("send", "--dataset", "generated events", "--samples", "250", "--batch", "1")

    server.await_lake()
    assert "accepted" in sent.stdout
    assert server.query("select count(*) as n from generated_people") == [{"n": 250}]
    assert server.query("select count(distinct _id) as n from generated_events") == [{"n": 250}]


def test_a_file_is_sent_line_by_line_and_what_was_refused_is_said(
    server: Server, client: Client, tmp_path: Path
) -> None:
    client.people("a file")
    file = tmp_path / "people.ndjson"
    file.write_bytes(
        json.encode(a_person("a@example.com")) + b"\n\n" + json.encode({"age": 1}) + b"\n"
    )

    sent = server.command(
        *("send", str(file), "--dataset", "a file", "--sync-validation"), check=False
    )

    server.await_lake()
    assert sent.returncode == 1
    assert "refused" in sent.stdout
    assert server.query("select workEmail.address as a from a_file") == [{"a": "a@example.com"}]


def test_status_shows_positions(server: Server) -> None:
    shown = json.decode(server.command("status", "--format", "json").stdout)

    assert set(shown["partitions"]["0001"]) == {"durable", "lake", "profile"}
    assert set(shown["lag"]) == {"lake", "profile"}
    assert "0001" in server.command("status").stdout


def test_a_query_is_printed_for_a_spreadsheet_without_formulas(server: Server) -> None:
    shown = server.command("query", "select '=1+1' as a, 2 as b", "--format", "csv").stdout

    assert shown.splitlines() == ["a,b", "'=1+1,2"]


@pytest.mark.parametrize(("form", "magic"), [("parquet", b"PAR1"), ("arrow", b"\xff\xff\xff\xff")])
def test_a_query_is_kept_as_a_file(server: Server, tmp_path: Path, form: str, magic: bytes) -> None:
    kept = tmp_path / "result"
    with kept.open("wb") as file:
        arguments = ["query", "select 1 as a", "--format", form, "--data", str(server.data)]
        subprocess.run([sys.executable, "-m", "forebay.cli", *arguments], stdout=file, check=True)

    assert kept.read_bytes().startswith(magic)


def test_a_query_prints_no_more_rows_than_wanted(server: Server) -> None:
    sql = "select * from range(100000000)"
    shown = server.command("query", sql, "--format", "csv", "--limit", "2").stdout

    assert shown.split() == ["range", "0", "1"]


def test_a_query_is_broken_off_after_the_time_given(server: Server) -> None:
    refused = server.command("query", "select sleep_ms(600000)", "--timeout", "0.2", check=False)

    assert (refused.returncode, "took too long" in refused.stderr) == (1, True)


def test_the_platform_answers_what_the_command_answers(server: Server) -> None:
    client = Client(server)
    sql = "select count(*) as n from failed_records"

    answer = client.call("POST", "/forebay/v1/query", {"sql": sql})

    assert answer.status_code == 200
    assert [{"n": row[0]} for row in answer.json()["rows"]] == server.query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "drop table failed_records",
        "select 1; select 2",
        "copy (select 1) to '/tmp/x'",
        "select * from read_csv('/etc/hostname')",
        "attach '/tmp/x.db'",
        "install httpfs",
    ],
)
def test_a_query_can_only_read_the_lake(server: Server, sql: str) -> None:
    refused = server.command("query", sql, check=False)

    assert refused.returncode == 1
    assert "LAKE-1400" in refused.stderr


def test_a_second_server_on_the_same_data_is_refused(server: Server) -> None:
    second = server.command("serve", "--platform-port", str(free_port()), check=False)

    assert second.returncode == 1
    assert "APP-1409" in second.stderr


def test_a_second_server_on_the_same_port_is_refused(server: Server, tmp_path: Path) -> None:
    second = forebay(
        *("serve", "--data", str(tmp_path / "data")),
        *("--platform-port", str(server.platform_port)),
    )

    assert second.returncode == 1
    assert "APP-1410" in second.stderr


def test_the_first_screen_has_a_call_that_works(server: Server) -> None:
    screen = server.output.read_text()
    call = screen[screen.index("curl -s -X POST") :].partition("\n\n")[0]
    program = Path(sys.executable).with_name("forebay")
    call = call.replace(
        str(Path(__file__).parents[2] / "src/forebay/cli/__main__.py"), str(program)
    )

    created = subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=True)

    assert set(json.decode(created.stdout)) == {"id", "etag"}


def test_roles_stop_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    assert server.process is not None
    roles = [
        json.decode(file.read_bytes())["pid"]
        for file in (server.data / "run" / "roles").glob("*.json")
    ]

    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()

    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in roles):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    exit_code = server.start().stop()
    server.close()
    assert exit_code == 0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
