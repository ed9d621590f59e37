"""Names as patterns: words that begin with a capital."""

from __future__ import annotations

_CAPITALS = "A-ZÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĐĨŨƠƯẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ"
CAPITAL = rf"[{_CAPITALS}][^\W\d_]*"  # one word: "Vũ"
NAME = rf"{CAPITAL}(?:\s{CAPITAL}){{0,3}}"  # "Vũ Lễ"
FULL_NAME = rf"{CAPITAL}(?:\s{CAPITAL}){{1,3}}"  # two words at least
