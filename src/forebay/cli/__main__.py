"""Lets the supervisor start a role with the interpreter that runs it."""

from forebay.cli import main

main(prog_name="forebay")
