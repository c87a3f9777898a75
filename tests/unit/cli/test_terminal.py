from forebay.cli.terminal import printable


def test_what_could_move_the_cursor_is_written_out() -> None:
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\x0a"
    assert printable("a\nb\r", kept="\n") == "a\nb\\x0d"
