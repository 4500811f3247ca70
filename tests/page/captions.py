"""The captions that a page shows."""

import asyncio

from playwright.async_api import Page


async def captions(page: Page) -> list[tuple[str, bool, str]]:
    return [
        (who, final == "true", text)
        for who, final, text in await page.evaluate(
            """[...document.querySelectorAll('#captions > li[data-who]')].map((li) =>
               [li.dataset.who, li.dataset.final, li.querySelector('.text').textContent])"""
        )
    ]


async def until(page: Page, expected: list[tuple[str, bool, str]]) -> None:
    """Waits until the captions are these."""
    for _ in range(100):
        if await captions(page) == expected:
            return
        await asyncio.sleep(0.05)
    assert await captions(page) == expected
