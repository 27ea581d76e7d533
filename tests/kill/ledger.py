"""What clients were told, from many threads: the tokens whose message was acknowledged, and their Message-IDs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

DOMAIN = "kill.example.test"


def message_id(token: str) -> str:
    """Returns the Message-ID of the message with this token as its subject."""
    return f"<{token}@{DOMAIN}>"


@dataclass
class Ledger:
    """Acknowledged tokens with the Message-ID of each."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    cut: int = 0
    """Submissions whose answer never came: stored or not, nobody was told."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, token: str, of: str) -> None:
        """Notes a 250 or 202."""
        with self._lock:
            self.acknowledged[token] = of.strip("<>")

    def refuse(self, answer: str) -> None:
        """Notes any other answer."""
        with self._lock:
            self.refused.append(answer)

    def lose(self) -> None:
        """Notes that the connection broke before an answer."""
        with self._lock:
            self.cut += 1
