"""calling.py PAGE CODE: calls, asks what five plus three is, and prints the answer."""

import asyncio
import sys

from earshot.caller.caller import Caller
from earshot.caller.demo import QUESTIONS
from earshot.caller.speech import Speech
from earshot.caller.ticket import from_page


async def main(page: str, code: str) -> None:
    text, path = QUESTIONS[1]
    async with Caller(await from_page(page, code=code)) as caller:
        await caller.agent(120.0)  # a busy machine takes long to begin a process
        await caller.greeting(60.0)
        print((await caller.ask(Speech.open(path, text), 60.0)).reply)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
