"""Files onto a board at its prompt: only what differs, by SHA-256; and read back by it, before anybody relies on them.

A file is written beside its place and then renamed, so that a cut leaves the old one or the new one. What a cut left
beside goes with the next copy.
"""

import ast
import hashlib
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Mapping

from boards.causes import BoardError, Cause
from boards.node.prompt import Prompt

Progress = Callable[[int, int], None]  # so far, of how many; bytes

_PIECE = 1536  # bytes in one run of code: 2 kB of base64 and as much again in the board's memory
_PART = ".part"
_HASHES = """import os,hashlib
def _one(p):
 h=hashlib.sha256()
 with open(p,'rb') as f:
  while True:
   b=f.read(512)
   if not b:
    break
   h.update(b)
 return h.digest().hex()
def _walk(d):
 try:
  found=list(os.ilistdir(d))
 except OSError:
  return
 for e in found:
  p=d+'/'+e[0]
  if e[1]&0x4000:
   yield p,''
   for each in _walk(p):
    yield each
  else:
   yield p,_one(p)
def _all(d):
 h=hashlib.sha256()
 for p,s in sorted(_walk(d)):
  h.update((p+' '+s+'\\n').encode())
 print(h.digest().hex())
"""
_WRITER = """import os
from binascii import a2b_base64 as _d
def _mk(p):
 try:
  os.mkdir(p)
 except OSError:
  pass
def _rm(p):
 try:
  os.remove(p)
 except OSError:
  pass
"""


def digests(prompt: Prompt, folder: str) -> dict[str, str]:
    """SHA-256 in hex of each file below a folder of the board, by path; "" for folders."""
    found: dict[str, str] = {}
    for line in prompt.run(f"{_HASHES}for each in _walk({folder!r}):\n print(each)\n").splitlines():
        try:
            path, digest = ast.literal_eval(line)
        except (ValueError, SyntaxError) as error:
            raise BoardError(Cause.NOISE, port=prompt.path, detail=f"'{line[:60]}'") from error
        found[path] = digest
    return found


def copy(prompt: Prompt, folder: str, files: Mapping[str, bytes], progress: Progress) -> int:
    """Make *folder* ("/a") hold these files and no others, by path in it; how many were written. Raises BoardError."""
    wanted = {f"{folder}/{path}": data for path, data in files.items()}
    if _is_all(prompt, folder, wanted):
        progress(0, 0)
        return 0
    there = digests(prompt, folder)
    known = {*wanted, *_folders(wanted)}
    written = _bring(prompt, there, wanted, progress, strays=[path for path in there if path not in known])
    if not _is_all(prompt, folder, wanted):
        raise BoardError(Cause.FLASH_FAULTY, port=prompt.path, detail=folder)
    return written


def _is_all(prompt: Prompt, folder: str, wanted: Mapping[str, bytes]) -> bool:
    """Whether the folder holds these files and no others: one digest over the names and digests of all."""
    found = {path: _sha256(data) for path, data in wanted.items()} | dict.fromkeys(_folders(wanted) - {folder}, "")
    told = "".join(f"{path} {digest}\n" for path, digest in sorted(found.items()))
    return prompt.run(f"{_HASHES}_all({folder!r})\n").strip() == _sha256(told.encode())


def put(prompt: Prompt, files: Mapping[str, bytes]) -> int:
    """Make single files in the root what they should be, by path; how many were written. Raises BoardError."""
    there = {}
    for path in files:
        there[path] = _digest(prompt, path)
    written = _bring(prompt, there, files, lambda done, of: None, strays=[])
    for path, data in files.items():
        if there[path] != _sha256(data) and _digest(prompt, path) != _sha256(data):
            raise BoardError(Cause.FLASH_FAULTY, port=prompt.path, detail=path)
    return written


def _digest(prompt: Prompt, path: str) -> str:
    """SHA-256 of one file in hex, "" if it is not there."""
    return prompt.run(f"{_HASHES}try:\n print(_one({path!r}))\nexcept OSError:\n print('')\n").strip()


def _bring(
    prompt: Prompt, there: Mapping[str, str], wanted: Mapping[str, bytes], progress: Progress, strays: list[str]
) -> int:
    due = {path: data for path, data in wanted.items() if there.get(path) != _sha256(data)}
    total = sum(map(len, due.values()))
    prompt.run(_WRITER + _removed(strays, there) + _made(due, there))
    sent = 0
    progress(0, total)
    for code, count in _pieces(due):
        prompt.run(code)
        sent += count
        progress(sent, total)
        prompt.feed()
    return len(due)


def _removed(strays: list[str], there: Mapping[str, str]) -> str:
    """Files, then the folders they leave empty, the deepest first."""
    deepest_first = sorted(strays, reverse=True)
    files = [f"_rm({path!r})\n" for path in deepest_first if there[path]]
    folders = [f"try:\n os.rmdir({path!r})\nexcept OSError:\n pass\n" for path in deepest_first if not there[path]]
    return "".join(files + folders)


def _made(due: Mapping[str, bytes], there: Mapping[str, str]) -> str:
    """The folders on the way to these files."""
    return "".join(f"_mk({path!r})\n" for path in sorted(_folders(due)) if path not in there)


def _folders(paths: Mapping[str, bytes]) -> set[str]:
    return {"/".join(path.split("/")[:depth]) for path in paths for depth in range(2, path.count("/") + 1)}


def _pieces(due: Mapping[str, bytes]) -> Iterator[tuple[str, int]]:
    """Runs of code that write the files, small ones together, and how many bytes of them each writes."""
    code, room, count = "", _PIECE, 0
    for path, data in due.items():
        code += f"f=open({path + _PART!r},'wb')\n"
        at = 0
        while at < len(data):
            piece = data[at : at + room]
            code += f"f.write(_d({b2a_base64(piece, newline=False)!r}))\n"
            at, room, count = at + len(piece), room - len(piece), count + len(piece)
            if not room:
                yield code, count
                code, room, count = "", _PIECE, 0
        code += f"f.close()\nos.rename({path + _PART!r},{path!r})\n"
    if code:
        yield code, count


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def held(data: bytes) -> str:
    """Code after which the board holds these bytes in `m`."""
    return f"from binascii import a2b_base64\nm=a2b_base64({b2a_base64(data, newline=False)!r})\n"
