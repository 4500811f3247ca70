"""Packets that leave the containers' networks, counted by this machine's firewall."""

import contextlib
import re
from collections.abc import Iterator

from .stack import run

# where a packet stands when it is counted, with the table; Docker's own rules come between the two
TRIED = ("filter", "DOCKER-USER")
LEFT = ("mangle", "POSTROUTING")


class Counters:
    """Rules that count and let pass."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._rules: list[tuple[tuple[str, str], list[str]]] = []

    def add(self, name: str, where: tuple[str, str], *match: str) -> None:
        rule = [*match, "-m", "comment", "--comment", f"{self._mark} {name}"]
        table, chain = where
        run("iptables", "-w", "-t", table, "-I", chain, "1", *rule)
        self._rules.append((where, rule))

    def read(self) -> dict[str, int]:
        """Packets of each rule so far."""
        seen = {}
        for table, chain in {where for where, _ in self._rules}:
            text = run("iptables", "-w", "-t", table, "-nvxL", chain)
            found = re.findall(rf"^\s*(\d+) .*/\* {self._mark} (.+?) \*/", text, re.M)
            seen |= {name: int(packets) for packets, name in found}
        return seen

    def close(self) -> None:
        for (table, chain), rule in self._rules:
            run("iptables", "-w", "-t", table, "-D", chain, *rule)


@contextlib.contextmanager
def counters(mark: str) -> Iterator[Counters]:
    found = Counters(mark)
    try:
        yield found
    finally:
        found.close()
