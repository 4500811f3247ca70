"""The time of this machine, in the form that the language model was shown."""

from datetime import datetime


def current_time(now: datetime | None = None) -> dict[str, str]:
    """Local time and date.

    Returns:
        {"time": "14:05", "date": "Tuesday, November 24, 2026"}
    """
    now = now or datetime.now().astimezone()
    return {"time": f"{now:%H:%M}", "date": f"{now:%A, %B} {now.day}, {now.year}"}
