"""The AWS command line's own words, to copy and to run by hand."""

import shlex


def command(call: str, *flags: str, **options: str) -> str:
    """`command("iam get-user", user_name="x")` is `aws iam get-user --user-name x`."""
    told = [f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in options.items()]
    return " ".join([f"aws {call}", *told, *(f"--{flag}" for flag in flags)])


def in_turn(*commands: str) -> str:
    return "; ".join(commands)
