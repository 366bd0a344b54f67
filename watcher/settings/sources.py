"""Gathers what the file, the environment and secret files say, each value with its place; judges only what cannot be read."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from watcher.settings.keys import (
    FILE,
    KUBERNETES,
    NOT_SETTINGS,
    SHORT,
    KeyPath,
    all_variables,
    dotted,
    key_at,
    named_sections,
    nearest,
    path_of,
)
from watcher.settings.problems import Problem

DEFAULT_FILE: Final = Path("config/watcher.toml")
LASTING: Final = "name a file: it is read again whenever the settings are"
LONGEST_SECRET: Final = 64 * 1024
"""Bytes. What is longer is surely not a secret."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


WHOLE: Final[KeyPath] = ()
"""The path to everything."""


class NoFile(OSError):
    """What the path names is a pipe, a device, or another thing that may give nothing, or never end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that somebody gave. `origin` is the place, and the file where a file held it."""

    value: object
    place: str
    origin: str


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What was found; `mode` is that of the settings file. `unread` are keys whose value could not be had: to judge them too
    would say the same thing twice. Where WHOLE is among them, the settings file could not be read: all keys may be in it."""

    file: Path | None = None
    mode: int = 0
    given: dict[KeyPath, Given] = field(default_factory=dict)
    unread: set[KeyPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, place: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(place=place, what=what, remedy=remedy))

    def tree(self) -> dict[str, Any]:
        """The values as nested tables."""
        tree: dict[str, Any] = {}
        for path, given in self.given.items():
            table = tree
            for part in path[:-1]:
                inner = table.setdefault(part, {})
                if not isinstance(inner, dict):
                    break  # a value stands where a table should: the model refuses it
                table = inner
            else:
                table.setdefault(path[-1], given.value)
        return tree


def gather(config: Path | None, environ: Mapping[str, str], section: str | None = None) -> Gathered:
    """What was given, the environment over the file; of one section only, where one is named."""
    gathered = Gathered()
    table = _file_table(gathered, config, environ)
    from_file = [
        (path, Given(value=value, place=f"{gathered.file}:{dotted(path)}", origin=f"{gathered.file}:{dotted(path)}"))
        for path, value in _leaves(table)
    ]
    names = {named: list(table[named]) for named in named_sections() if isinstance(table.get(named), dict)}
    from_environment = _environment(gathered, environ, names, strict=section is None)
    layers = [_targets(gathered, layer, section) for layer in (from_file, from_environment)]
    for target, (given, held_by_file) in {**layers[0], **layers[1]}.items():
        gathered.given[target] = _secret_file(gathered, target, given) if held_by_file else given
    _warn_of_open_file(gathered)
    return gathered


def _file_table(gathered: Gathered, config: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    named_by = " (--config)"
    if config is None and environ.get("WATCHER_CONFIG"):
        config, named_by = Path(environ["WATCHER_CONFIG"]), " (environment variable WATCHER_CONFIG)"
    elif config is None:
        config, named_by = DEFAULT_FILE, ""
    try:
        text, gathered.mode = _contents(config)
        table = tomllib.loads(text.decode())
    except NoFile:
        gathered.refuse(str(config), f"the settings file{named_by} is a pipe or a device", LASTING)
    except OSError as error:
        if not named_by and isinstance(error, FileNotFoundError | NotADirectoryError):
            return {}  # nobody asked for it
        remedy = "name a file that exists" if isinstance(error, FileNotFoundError) else "see to its permissions"
        gathered.refuse(str(config), f"the settings file{named_by} cannot be read ({error.strerror})", remedy)
    except UnicodeDecodeError:
        gathered.refuse(str(config), "is not UTF-8", "save it as UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        gathered.refuse(str(config), f"is not TOML ({error})", 'repair that line; text stands in quotes: key = "text"')
    else:
        gathered.file = config
        return table
    gathered.unread.add(WHOLE)
    return {}


def _leaves(table: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    for name, value in table.items():
        inner = (*path, name)
        key = key_at(inner) if isinstance(value, dict) and value else None
        if isinstance(value, dict) and value and not (key is not None and key.table):
            yield from _leaves(value, inner)
        else:
            yield inner, value


def _environment(
    gathered: Gathered, environ: Mapping[str, str], names: Mapping[str, Sequence[str]], *, strict: bool
) -> list[tuple[KeyPath, Given]]:
    """The variables that stand for keys. An empty one counts as not set, as compose files hand on what they do not have."""
    found = []
    for variable in sorted(environ):
        ours = variable.startswith("WATCHER_") and variable not in NOT_SETTINGS and not KUBERNETES.fullmatch(variable)
        stem = variable.removesuffix("_FILE")
        if not ours and stem not in SHORT:
            if strict and variable.startswith("CALLFIRE_") and (near := nearest(variable, list(SHORT))):
                gathered.warnings.append(f"environment variable {variable}: is not known: did you mean {near}?")
            continue
        place = f"environment variable {variable}"
        path = path_of(variable, names)
        if path is None:
            if strict:
                near = nearest(variable, all_variables())
                gathered.refuse(place, "is not known", f"did you mean {near}?" if near else "unset it")
        elif environ[variable]:
            found.append((path, Given(value=environ[variable], place=place, origin=place)))
    return found


def _targets(
    gathered: Gathered, layer: Sequence[tuple[KeyPath, Given]], section: str | None
) -> dict[KeyPath, tuple[Given, bool]]:
    """What one layer gives to each key, and whether a file holds the value."""
    targets: dict[KeyPath, tuple[Given, bool]] = {}
    for path, given in layer:
        if section is not None and path[0] != section:
            continue
        stem = (*path[:-1], path[-1].removesuffix(FILE))
        key = key_at(stem) if stem != path else None
        held_by_file = key is not None and key.or_file
        target = stem if held_by_file else path
        if target in targets:
            gathered.refuse(given.place, f"is given twice, also by {targets[target][0].place}", "keep one of them")
        else:
            targets[target] = (given, held_by_file)
    return targets


def _secret_file(gathered: Gathered, target: KeyPath, given: Given) -> Given:
    """The file's contents without the line end. Its path is named only once it is known to be one: somebody may have
    given the secret itself where the path should be."""
    text = None
    if not isinstance(given.value, str):
        gathered.refuse(given.place, "is not a path", "write the path of the file in quotes")
        origin = given.origin
    else:
        path = Path(given.value)
        origin = f"{given.origin} ({path})"
        try:
            held, mode = _contents(path, LONGEST_SECRET + 1)
            text = held.decode().rstrip("\r\n")
        except NoFile:
            gathered.refuse(given.place, "names a pipe or a device", LASTING)
        except (FileNotFoundError, NotADirectoryError):
            gathered.refuse(
                given.place, "names a file that does not exist", "give the path of a file that holds the secret"
            )
        except OSError as error:
            # An over-long or otherwise impossible path is, like one that does not exist, perhaps no path at all.
            reason = error.strerror or type(error).__name__
            gathered.refuse(
                given.place, f"names a file that cannot be read ({reason})", "let the daemon's user read it"
            )
        except ValueError:
            gathered.refuse(given.place, "names a file that is no text", "put the secret into it, as one line of text")
        else:
            if not text or len(text) > LONGEST_SECRET:
                gathered.refuse(given.place, f"{path} is {'too long' if text else 'empty'}", "put the secret into it")
                text = None
            elif mode & OTHERS:
                gathered.warnings.append(_open_to_others(given.place, path, mode))
    if text is None:
        gathered.unread.add(target)
    return Given(value=text or "", place=given.place, origin=origin)


def _warn_of_open_file(gathered: Gathered) -> None:
    """A settings file that holds a secret deserves the same care as a secret file."""
    if gathered.file is None:
        return
    place = f"{gathered.file}:"
    for path, given in gathered.given.items():
        key = key_at(path)
        if key is not None and key.secret and given.origin == place + dotted(path):
            if gathered.mode & OTHERS:
                gathered.warnings.append(_open_to_others(given.place, gathered.file, gathered.mode))
            return


def _contents(path: Path, most: int = -1) -> tuple[bytes, int]:
    """What the file holds, up to `most` bytes, and its mode. A pipe, whose writer may never come, or a device, which may never
    end, is not waited for: it raises NoFile, but for the device that is always empty. Raises other OSErrors and ValueError."""
    with open(path, "rb", opener=_at_once) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) and not path.samefile(os.devnull):
            raise NoFile
        return file.read(most), mode


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _open_to_others(place: str, path: Path, mode: int) -> str:
    return f"{place}: {path} can be used by others on this machine (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
