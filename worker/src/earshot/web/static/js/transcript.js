// The conversation as plain text, to copy or to keep.

const clock = (at) => at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** @param entries of captions.js */
export function transcriptText(entries, agentName) {
  const first = entries[0]?.at ?? new Date();
  const lines = [`Conversation with ${agentName}`, first.toLocaleString(), ""];
  for (const entry of entries) {
    const at = `[${clock(entry.at)}]`;
    if (entry.note) lines.push(`--- ${entry.text} ---`);
    else if (entry.tool) lines.push(`${at} (${entry.text})`);
    else {
      const marks = [entry.typed && "typed", entry.interrupted && "interrupted"].filter(Boolean);
      lines.push(`${at} ${entry.name}${marks.length ? ` (${marks.join(", ")})` : ""}: ${entry.text.trim()}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

export function downloadText(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function fileName(at = new Date()) {
  const pad = (n) => String(n).padStart(2, "0");
  return `earshot-${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}-${pad(at.getHours())}${pad(at.getMinutes())}.txt`;
}
