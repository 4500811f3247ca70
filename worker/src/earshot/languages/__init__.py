"""What belongs to one language: data, no code. `<code>/intents.yaml`: see its English one."""
