"""Being the folder's owner while root works in it: a file of root's there would lock the gateway out."""

import os
from pathlib import Path


class Owner:
    """From its making to `leave`, root is the owner of *folder*; anybody else stays who they are.

    Raises FileNotFoundError for root when the folder is not there, as it would be root's.
    """

    def __init__(self, folder: Path) -> None:
        self._was_root = os.geteuid() == 0 and folder.is_dir()
        if os.geteuid() != 0:
            return
        if not self._was_root:
            what = f"not there; start the gateway, which makes it, or run: install -d -m 700 -o lampyre {folder}"
            raise FileNotFoundError(2, what, str(folder))
        owner = folder.stat()
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)

    def leave(self) -> None:
        """Be root again."""
        if self._was_root:
            os.seteuid(0)
            os.setegid(0)

    def __enter__(self) -> "Owner":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
