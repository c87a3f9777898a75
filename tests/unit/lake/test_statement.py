import pytest

from forebay.lake.statement import QueryRefused, Statement, View

VIEWS = [View("people", "SELECT 1 AS age", []), View("visits", "SELECT 2 AS n", [])]
NAMES = [view.name for view in VIEWS]


def chosen(sql: str) -> list[str]:
    statement = Statement(sql)
    try:
        return statement.choose(NAMES)
    finally:
        statement.close()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", []),
        ("SHOW TABLES", NAMES),
        ("DESCRIBE People", ["people"]),
        ("FROM main.people", ["people"]),
        ("WITH visits AS (SELECT * FROM people) SELECT * FROM visits", NAMES),
        ("WITH own AS (SELECT 1) SELECT * FROM own, people", ["people"]),
        ("SELECT (SELECT max(n) FROM visits)", ["visits"]),
    ],
)
def test_the_views_that_a_statement_needs_are_known_before_it_runs(
    sql: str, names: list[str]
) -> None:
    assert chosen(sql) == names


@pytest.mark.parametrize(
    "sql",
    [
        "FROM duckdb_views",
        "FROM sqlite_master",
        "FROM information_schema.tables",
        "FROM duckdb_settings()",
        "FROM duckdb_secrets()",
        "FROM pragma_database_size()",
        "FROM query('SELECT 1')",
        "FROM query_table('people')",
        "FROM arrow_scan(1, 2, 3)",
        "FROM pandas_scan(1)",
        "FROM read_parquet('x.parquet')",
        "FROM people, (SELECT * FROM (SELECT * FROM read_blob('/proc/self/environ')))",
        "SELECT (SELECT content FROM read_text('/etc/hostname'))",
        "WITH x AS (FROM glob('*')) SELECT * FROM x",
        "FROM other.people",
        "CALL pragma_version()",
        "PREPARE x AS SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "SET VARIABLE x = 1",
        "CREATE SECRET (TYPE s3)",
        "CREATE MACRO f() AS 1",
        "LOAD json",
        "BEGIN",
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    ],
)
def test_what_is_no_table_of_the_sandbox_is_refused_before_anything_runs(sql: str) -> None:
    with pytest.raises(QueryRefused):
        chosen(sql)


def test_nothing_is_written_beside_the_process() -> None:
    statement = Statement("SELECT current_setting('temp_directory')")

    with statement.run([]) as result:
        assert list(result.rows()) == [("",)]


def test_a_wrong_word_is_shown_with_its_place() -> None:
    with pytest.raises(QueryRefused, match="selec") as refused:
        Statement("\n selec 1")

    assert refused.value.report == {"line": 2, "column": 2}
