"""`earshot doctor`."""

from pathlib import Path

import click

from .path_type import UserPath


@click.command("doctor")
@click.option(
    "--page", metavar="URL",
    help="Look at the Earshot behind this page, from where its callers are.",
)  # fmt: skip
@click.option(
    "--url", metavar="URL", help="Look at this livekit-server, by its key (or --token-file)."
)
@click.option(
    "--code-file", type=UserPath(), metavar="FILE",
    help="The access code, for --page; - = standard input.",
)  # fmt: skip
@click.option(
    "--token-file", type=UserPath(), metavar="FILE",
    help="A token that does not do what it should; - = standard input.",
)  # fmt: skip
@click.option("--no-call", is_flag=True, help="Leave the agent alone: no spoken question.")
@click.option(
    "--within", type=click.FloatRange(5, 3600), default=180.0, show_default=True,
    metavar="SECONDS", help="For all checks together.",
)  # fmt: skip
@click.option(
    "--report", type=UserPath(), metavar="FILE",
    help="Write one file to send: no secret is in it, and no word of a call.",
)  # fmt: skip
@click.option(
    "--egress", is_flag=True,
    help="Count what leaves this machine while a spoken question is answered; needs root.",
)  # fmt: skip
@click.option(
    "--for", "for_s", type=click.FloatRange(1, 86400), metavar="SECONDS",
    help="With --egress: count for so long, and ask nothing.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end, nothing else.")
def command(
    page: str | None,
    url: str | None,
    code_file: Path | None,
    token_file: Path | None,
    no_call: bool,
    within: float,
    report: Path | None,
    egress: bool,
    for_s: float | None,
    as_json: bool,
) -> int:
    """Find what is wrong, why, and what to do.

    From settings, models and ports to a spoken question that is answered by voice. Each line is
    green (✓), yellow (!: works, but not for everybody or not well), red (✗) or was not looked at
    (·: something before it is red). The first red line is the one to mend.

    \b
    earshot doctor                                  what runs on this machine
    earshot doctor --page http://192.168.1.5:8080 --code-file code.txt
                                                    the same from a caller's machine
    earshot doctor --url ws://192.168.1.5:7880 --token-file token.txt
                                                    why does this token not work?
    sudo earshot doctor --egress                    does anything leave this machine?

    \b
    $ earshot doctor
    ✓ settings   defaults and environment, profile starter
    …
    ✓ audio      127.0.0.1:7882/udp: answered
    ✓ tone       heard both ways, over 127.0.0.1:7882/udp, 1.0 ms
    ✓ answer     a spoken question was answered by voice after 2013 ms
    all green, 22 checks

    docs/doctor.md lists every cause and its cure.

    Exit status: 0 = nothing is red (--egress: nothing left), 1 = something is, 2 = a mistake on the
    command line.
    """
    from ..doctor.command import Options, doctor

    if page and url:
        raise click.UsageError("--page and --url name a target each; one of them was expected")
    if for_s and not egress:
        raise click.UsageError("--for goes with --egress")
    if egress and (page or url or token_file or report):
        raise click.UsageError("--egress counts on this machine: without --page, --url, --report")
    options = Options(
        page=page or "",
        url=url or "",
        code_file=code_file,
        token_file=token_file,
        call=not no_call,
        within_s=within,
        as_json=as_json,
        report=report,
        egress=egress,
        for_s=for_s or 0.0,
    )
    return doctor(options)
