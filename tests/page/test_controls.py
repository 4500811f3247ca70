"""What a caller can press and type in a call: mute, devices, chat, the transcript."""

import asyncio
from pathlib import Path

from .agent import ScriptedAgent
from .captions import until
from .conftest import Answer, OpenWindow, Site, Window


async def test_typed_messages_reach_the_agent(talking: tuple[Window, ScriptedAgent]) -> None:
    window, agent = talking
    page = window.page
    await page.click('#suggestions button:text("Tell me a story.")')
    assert await asyncio.wait_for(agent.heard_text.get(), 5) == "Tell me a story."
    await page.fill("#chat-text", "What is two plus two?")
    await page.press("#chat-text", "Enter")
    assert await asyncio.wait_for(agent.heard_text.get(), 5) == "What is two plus two?"
    assert await page.input_value("#chat-text") == ""
    expected = [("you", True, "Tell me a story."), ("you", True, "What is two plus two?")]
    await until(page, expected)
    assert await page.locator('#captions > li[data-typed="true"]').count() == 2


async def test_what_is_typed_waits_for_an_agent_that_listens(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    await agent.state("initializing")
    await window.page.wait_for_selector('body[data-agent-state="initializing"]')
    for text in ("Are you there?", "Hello?"):
        await window.page.fill("#chat-text", text)
        await window.page.press("#chat-text", "Enter")
    await window.page.wait_for_timeout(300)
    assert agent.heard_text.empty()
    await agent.state("listening")
    heard = [await asyncio.wait_for(agent.heard_text.get(), 5) for _ in range(2)]
    assert heard == ["Are you there?", "Hello?"]


async def test_mute_silences_the_microphone_by_button_and_key(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    page = window.page

    async def muted(expected: bool) -> None:
        assert await asyncio.wait_for(agent.microphone_muted.get(), 5) is expected
        assert await page.get_attribute("#mute", "aria-pressed") == str(expected).lower()
        sent = await page.evaluate(
            """[...earshot.room.localParticipant.audioTrackPublications.values()]
               .map((p) => p.track.mediaStreamTrack.enabled)"""
        )
        assert sent == [not expected]

    for _ in range(200):
        if agent.loudness > 0.01:
            break
        await asyncio.sleep(0.05)
    assert agent.loudness > 0.01, "the microphone is not heard"
    await page.click("#mute")
    await muted(True)
    assert await page.inner_text("#state-text") == "You are muted"
    await asyncio.sleep(0.5)
    assert agent.loudness < 0.001
    await page.keyboard.press("m")
    await muted(False)
    await page.focus("#chat-text")
    await page.keyboard.type("mm")
    assert agent.microphone_muted.empty(), "a letter typed into the message has muted"


async def test_the_meter_follows_the_microphone(talking: tuple[Window, ScriptedAgent]) -> None:
    window, _ = talking
    level = "Number(document.querySelector('#meter').getAttribute('aria-valuenow'))"
    await window.true(f"{level} > 20")


async def test_audio_settings_of_the_call(talking: tuple[Window, ScriptedAgent]) -> None:
    window, _ = talking
    await window.page.wait_for_selector("#audio > audio", state="attached")
    settings = await window.page.evaluate(
        """(() => {
          const { localParticipant, remoteParticipants } = earshot.room;
          const microphone = [...localParticipant.audioTrackPublications.values()][0].track;
          const heard = [...[...remoteParticipants.values()][0].audioTrackPublications.values()][0].track;
          const { echoCancellation, noiseSuppression, autoGainControl } = microphone.constraints;
          return { echoCancellation, noiseSuppression, autoGainControl, target: heard.receiver.jitterBufferTarget };
        })()"""
    )
    assert settings == {
        "echoCancellation": True,
        "noiseSuppression": True,
        "autoGainControl": True,
        "target": 0,
    }


async def test_transcript_is_copied_and_downloaded(
    talking: tuple[Window, ScriptedAgent], tmp_path: Path
) -> None:
    window, agent = talking
    page = window.page
    await agent.hears("u1", "What time is it?", final=True)
    await agent.tells("tool", {"turn": 1, "name": "get_current_time", "arguments": {}})
    await agent.says("a1", "It is three.")
    await page.wait_for_selector('li[data-segment="a1"][data-final="true"]')
    async with page.expect_download() as coming:
        await page.click("#download")
    download = await coming.value
    assert download.suggested_filename.startswith("earshot-")
    assert download.suggested_filename.endswith(".txt")
    kept = tmp_path / "transcript.txt"
    await download.save_as(kept)
    text = kept.read_text()
    positions = [
        text.index(line)
        for line in ("You: What time is it?", "(Looked at the clock)", "Earshot: It is three.")
    ]
    assert positions == sorted(positions)
    await page.click("#copy")
    await window.true("document.querySelector('#copy span').textContent === 'Copied'")
    await page.focus("#chat-text")
    await page.keyboard.press("Control+V")
    assert await page.input_value("#chat-text") == " ".join(text.strip().split("\n"))


async def test_without_a_microphone_one_can_type(
    site: Site, open_window: OpenWindow, answer: Answer
) -> None:
    window = await open_window(site.url, microphone="denied")
    page = window.page
    await page.click("#talk")
    await window.failure("mic_denied")
    await page.click('#failure-actions [data-action="type"]')
    agent = await answer(site)
    await window.state("in-call")
    assert await page.inner_text("#state-text") == "Waiting for what you type"
    await page.fill("#chat-text", "Hello")
    await page.press("#chat-text", "Enter")
    assert await asyncio.wait_for(agent.heard_text.get(), 5) == "Hello"
