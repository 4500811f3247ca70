from pathlib import Path

from earshot.docs import rendered

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_settings_and_the_help_as_they_are() -> None:
    text = README.read_text()
    assert rendered(text) == text, "run: python -m earshot.docs"
