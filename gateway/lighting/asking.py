"""What lighting asks lamps for: an order to one or to a group, and what came of it."""

from dataclasses import dataclass

from gateway.network.registration import Group
from gateway.orders.request import OrderRequest

AT_ONCE = 8  # lamps spoken to one by one at a time: a gateway that sends does not hear


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An order that lighting wants given. about: what to remember of it: a group's number, or a programme's version."""

    request: OrderRequest
    about: int = 0

    @property
    def lamp(self) -> bytes | None:
        """The lamp that it is for; None: a group."""
        target = self.request.target
        return None if isinstance(target, Group) else target.dev_eui

    @property
    def group(self) -> int | None:
        """The number of the group that it is for; None: one lamp."""
        target = self.request.target
        return target.number if isinstance(target, Group) else None
