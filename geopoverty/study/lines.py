"""Where each key of a TOML text stands, so that a message can name the line."""

import re
import tomllib
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXTS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_PLAIN = re.compile(r"[^,\]\}\n#]*")
_GAP = re.compile(r"(?:[ \t\n,]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")


def key_lines(text: str) -> dict[Path, int]:
    r"""Return the line, from 1, of every table, key and list item.

    Parameters
    ----------
    text : str
        TOML that `tomllib` has already read: nothing is checked here.

    Returns
    -------
    dict of tuple to int
        Such as ``("models", "poor", "formula")``; items of lists by position,
        ``("pages", "maps", 0)``.

    Examples
    --------
    >>> key_lines("[study]\ntitle = 'Poor'\n")
    {('study',): 1, ('study', 'title'): 2}
    >>> key_lines("a = [\n 1,\n {b = 2},\n]")[("a", 1, "b")]
    3
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of `path`, or of the nearest table around it.

    Examples
    --------
    >>> line_of({("study",): 1}, ("study", "title"))
    1
    """
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    """A position that walks through a text."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}
        self._seen, self._counted = 1, 0

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_GAP)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_GAP)
        return self.lines

    def _header(self) -> Path:
        several = self.text.startswith("[[", self.at)
        line = self._line()
        self.at += 2 if several else 1
        keys = self._keys()
        self.at += 2 if several else 1
        path: Path = ()
        for n, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if several and n == len(keys) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
                self.lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self.text[self.at]
        if opening in "[{":
            self.at += 1
            self._inside(path, "]" if opening == "[" else "}")
            return
        for pattern in (*_TEXTS, _PLAIN):
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                return

    def _inside(self, path: Path, closing: str) -> None:
        count = 0
        self._skip(_GAP)
        while self.text[self.at] != closing:
            if closing == "}":
                self._pair(path)
            else:
                self.lines.setdefault((*path, count), self._line())
                self._value((*path, count))
                count += 1
            self._skip(_GAP)
        self.at += 1

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._one_key())
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _one_key(self) -> str:
        for pattern in (*_TEXTS[2:], _BARE):
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                word = found.group()
                quoted = word[0] in "\"'"
                return str(tomllib.loads(f"x = {word}")["x"]) if quoted else word
        raise ValueError("no key")  # never, in what tomllib has read

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _line(self) -> int:
        self._seen += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._seen
