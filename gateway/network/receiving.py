"""Whose frame a radio heard: recognise → wait for copies → parse → authenticate; the first that refuses says why.

Nothing that it hears ends the process: a frame that raises an error is refused, and others go on.
"""

from gateway.links.link import Received
from gateway.network.accepting import Acceptor
from gateway.network.authenticating import RefusalError, asked_to_join, authenticate, may_join, parse, recognise
from gateway.network.commits import Stream
from gateway.network.deduplication import Deduplication, Frame
from gateway.network.events import Alarm, Effect, Reason
from gateway.network.fleet import Fleet
from gateway.network.joining import JoinServer
from gateway.network.stumbling import stumbled
from gateway.network.suspicion import ALARM_AT, Suspicion
from protocol.lorawan.eui import dev_addr_to_text
from protocol.lorawan.frames import JOIN_REQUEST


class Receiver:
    """Hands authentic uplinks to *acceptor* and authentic Join-Requests to *join_server*."""

    def __init__(
        self, dedup_ms: int, fleet: Fleet, stream: Stream, acceptor: Acceptor, join_server: JoinServer
    ) -> None:
        self._fleet = fleet
        self._stream = stream
        self._acceptor = acceptor
        self._join_server = join_server
        self._copies = Deduplication(dedup_ms)
        self._suspicion = Suspicion()

    def received(self, received: Received, now_ms: int, out: list[Effect]) -> None:
        """A radio heard a frame, or a copy of one."""
        try:
            self.close_copies(now_ms, out)  # the shell may be late: what comes now is no copy
            if received.freq_hz and self._copies.again(received, now_ms):
                return
            sender = recognise(received, self._fleet.by_dev_addr, self._fleet.by_dev_eui)
            self._not_too_suspicious(sender, now_ms)  # a flood of forgeries takes nobody's place
            if not received.freq_hz:  # a cable has one end: nobody else heard it, and the node waits
                self._hear(Frame(received, now_ms, now_ms), now_ms, out)
            elif not self._copies.add(received, now_ms, sender):
                raise RefusalError(Reason.OVERLOAD, "more uplinks wait for their copies than this gateway holds")
        except RefusalError as refusal:
            out.append(refusal.effect())
        except Exception as error:
            stumbled(error, None, out)

    def closes_at(self) -> int | None:
        """When no more copies of the oldest frame are waited for."""
        return self._copies.closes_at()

    def close_copies(self, now_ms: int, out: list[Effect]) -> None:
        """Hear the frames whose copies have come."""
        while (frame := self._copies.closed(now_ms)) is not None:
            self._hear(frame, now_ms, out)

    def _hear(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        """A frame with all its copies.

        Whatever it is, it must not end the process: it, or its like, would be heard again after each start. What was
        decided on it before it raised an error is undone; what was handed over to be written or sent before stays.
        """
        try:
            if self._stream.full():
                raise RefusalError(Reason.OVERLOAD, "the store is too far behind to take more uplinks")
            if heard.copies[0][0].phy_payload[0] >> 5 == JOIN_REQUEST:
                self._join(heard, now_ms, out)
            else:
                self._data(heard, now_ms, out)
        except RefusalError as refusal:
            out.append(refusal.effect())
        except Exception as error:
            stumbled(error, None, out)

    def _data(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        frame = parse(heard.copies[0][0].phy_payload)
        dev_addr = frame.dev_addr
        self._not_too_suspicious(dev_addr, now_ms)
        sessions = self._fleet.by_dev_addr.get(dev_addr, ())  # it may have gone while copies were waited for
        try:
            session, f_cnt = authenticate(sessions, frame)
        except RefusalError as refusal:
            if refusal.reason is Reason.WRONG_MIC and self._suspicion.wrong(dev_addr, now_ms):
                shown = dev_addr_to_text(dev_addr)
                dev_eui = sessions[0].device.registration.dev_eui if len(sessions) == 1 else None
                out.append(_alarm(dev_eui, f"{ALARM_AT} frames of DevAddr {shown} with wrong MICs within an hour"))
            raise
        if f_cnt == session.f_cnt_up:
            self._acceptor.repeated(session, frame, heard, now_ms, out)
        else:
            self._acceptor.accept(session, frame, f_cnt, heard, now_ms, out)

    def _join(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        device, request = asked_to_join(heard.copies[0][0].phy_payload, self._fleet.by_dev_eui)
        dev_eui = request.dev_eui
        self._not_too_suspicious(dev_eui, now_ms)
        try:
            may_join(device, request)
        except RefusalError as refusal:
            if refusal.reason is Reason.WRONG_MIC and self._suspicion.wrong(dev_eui, now_ms):
                out.append(_alarm(dev_eui, f"{ALARM_AT} Join-Requests of {dev_eui.hex()} with wrong MICs in an hour"))
            raise
        self._join_server.answer(device, request, heard, out)

    def _not_too_suspicious(self, address: int | bytes, now_ms: int) -> None:
        if not self._suspicion.too_many(address, now_ms):
            return
        dev_addr, dev_eui = (None, address) if isinstance(address, bytes) else (address, None)
        shown = address.hex() if isinstance(address, bytes) else dev_addr_to_text(address)
        raise RefusalError(Reason.TOO_MANY_WRONG_MICS, f"too many wrong MICs of {shown} lately", dev_addr, dev_eui)


def _alarm(dev_eui: bytes | None, detail: str) -> Alarm:
    return Alarm(name="wrong_mics", dev_eui=dev_eui, detail=f"{detail}: someone forges them, or a neighbour shares it")
