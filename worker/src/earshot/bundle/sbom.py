"""The bill of materials: a CycloneDX document of the packages in the lock and the models.

No times and no random numbers: the same bundle has the same document.
"""

import hashlib
import json
import re
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

from .manifest import Piece
from .pieces import Item
from .wheels import declared

NAME = "sbom.cdx.json"
PIN = re.compile(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")


def document(version: str, lock: Path, items: list[Item], pieces: list[Piece]) -> bytes:
    """CycloneDX 1.6, as JSON."""
    components = [*_packages(lock), *_carried(items, {p.path: p for p in pieces})]
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "earshot",
                "name": "earshot",
                "version": version,
                "licenses": _licences("Apache-2.0"),
            }
        },
        "components": sorted(components, key=lambda c: str(c["bom-ref"])),
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    body["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"
    return (json.dumps(body, indent=1, sort_keys=True) + "\n").encode()


def _packages(lock: Path) -> list[dict[str, Any]]:
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name.lower()}@{version}",
            "purl": f"pkg:pypi/{name.lower()}@{version}",
            "name": name,
            "version": version,
            "licenses": _licences(_licence(name, version)),
        }
        for name, version in PIN.findall(text)
    ]


def _carried(items: list[Item], pieces: dict[str, Piece]) -> list[dict[str, Any]]:
    found = []
    for item in items:
        if item.kind not in ("model", "wheel", "image"):
            continue
        piece = pieces[item.path]
        component: dict[str, Any] = {
            "type": {"model": "machine-learning-model", "image": "container"}.get(
                item.kind, "library"
            ),
            "bom-ref": item.path,
            "name": item.path,
            "licenses": _licences(item.licence),
            "hashes": [{"alg": "SHA-256", "content": piece.sha256}],
        }
        if item.model and item.model.source:
            source = item.model.source
            component["externalReferences"] = [
                {
                    "type": "distribution",
                    "url": f"https://huggingface.co/{source.repository}/tree/{source.revision}",
                }
            ]
        found.append(component)
    return found


def _licence(name: str, version: str) -> str:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return "unknown"
    return declared(found.metadata) if found.version == version else "unknown"


def _licences(text: str) -> list[dict[str, Any]]:
    return [{"license": {"name": text}}]
