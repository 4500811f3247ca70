"""The settings as people read them: the table of docs/settings.md. Knows only the defaults."""

from pydantic import BaseModel

from .settings import ALL_TOOLS, Settings


def table() -> str:
    """The settings as a Markdown table: key, default, meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]

    def walk(model: type[BaseModel], prefix: str) -> None:
        for name, field in model.model_fields.items():
            group = field.annotation
            if isinstance(group, type) and issubclass(group, BaseModel):
                walk(group, f"{prefix}{name}.")
                continue
            extra = field.json_schema_extra
            default = extra["shown"] if isinstance(extra, dict) else field.default
            shown = (
                "all" if default == ALL_TOOLS else "" if default in (None, "") else f"`{default}`"
            )
            rows.append(f"| `{prefix}{name}` | {shown} | {field.description} |")

    walk(Settings, "")
    return "\n".join(rows)
