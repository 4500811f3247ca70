"""A whole call inside the namespace that this is run in: `python -m tests.isolation.scene FOLDER ADDRESS`.

Packets are counted from before the first process starts until after the last one has ended, on
every interface. Prints what was seen as JSON; what leaves is for the test to judge.

    FOLDER   of the test: the stack's state, the browser's microphone
    ADDRESS  of the namespace, which callers use
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from earshot.caller.stack import Stack
from earshot.doctor.packets import Sniffer
from playwright.async_api import async_playwright

from tests.e2e.call.browser import FLAGS, window
from tests.e2e.call.sound import Listener, microphone, spoken

QUESTION = "What is five plus three?"
# Two habits of the browser, which is the caller's and not Earshot's: it asks for its maker's names
# (updates, accounts), and until it was given the microphone it hides its address behind a name that
# it tells the neighbours (mDNS). What the page itself asks for is looked at one by one.
BROWSER = [
    *FLAGS,
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints,Translate",
]
AGAIN_S = 7.0
"""between the two times that the microphone says it: the answer, and what is changed meanwhile"""


async def call(folder: Path, address: str) -> dict[str, Any]:
    network = {"EARSHOT_NETWORK__LISTEN": "lan", "EARSHOT_NETWORK__ADDRESS": address}
    listener = Listener()
    question = spoken(QUESTION, "slt", folder)
    wav = microphone(folder / "microphone.wav", 4.0, question, AGAIN_S, question, 60.0)
    async with (
        Stack(folder / "state", network) as stack,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*BROWSER, f"--use-file-for-fake-audio-capture={wav}%noloop"],
        ) as browser,
        window(browser, stack.page, None) as page,
    ):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        page.page.on("websocket", lambda socket: requests.append(socket.url))
        await page.page.reload()
        await page.until("body[data-state=idle]")
        await page.talk(60.0)
        await page.greeted()
        await page.answered(2, 60.0)
        # as on a machine without any way out; until now there was one that leads nowhere
        await (await asyncio.create_subprocess_exec("ip", "route", "del", "default")).wait()
        answers = await page.answered(3, 60.0)
        recording = await page.recording()
        heard = await asyncio.to_thread(listener.words, recording.agent)
        hosts = sorted({str(urlsplit(url).hostname) for url in requests})
        return {"hosts": hosts, "asked": await page.said("you"), "answers": answers, "heard": heard,
                "errors": page.errors}  # fmt: skip


def main() -> None:
    folder, address = Path(sys.argv[1]), sys.argv[2]
    with Sniffer() as sniffer:
        found = asyncio.run(call(folder, address))
    found["lost"] = sniffer.lost + sniffer.more
    found["interfaces"] = sorted(sniffer.interfaces)
    found["flows"] = [{**asdict(flow), **asdict(seen)} for flow, seen in sniffer.flows.items()]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
