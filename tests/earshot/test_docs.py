from pathlib import Path

from earshot.docs import rendered

ROOT = Path(__file__).parents[2]


def test_the_settings_and_the_help_are_shown_as_they_are() -> None:
    for path, text in rendered(ROOT).items():
        assert path.read_text() == text, f"{path.name}: run: python -m earshot.docs"
