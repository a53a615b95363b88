"""What is told of a frame over which this program stumbled: a mistake of ours, which its sentence helps to mend."""

import traceback
from pathlib import Path

from gateway.network.events import Alarm, Effect, Reason, Refused


def stumbled(error: Exception, dev_eui: bytes | None, out: list[Effect]) -> None:
    """A frame that is not accepted for a mistake of ours, or could not be answered for one."""
    detail = sentence_on(error)
    out.append(Refused(reason=Reason.FAULT, dev_addr=None, detail=detail, dev_eui=dev_eui))
    out.append(Alarm(name="frame_failed", dev_eui=dev_eui, detail=detail))


def sentence_on(error: Exception) -> str:
    """What went wrong and where, for whoever mends it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}; report this"
