"""What the operator decides for the whole network server: addresses, windows, power; frozen once read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """net_id: 1 is one of the two that any private network may use (TS002-1.1.0 §5.2.1), with the DevAddrs below.

    dev_addr_first, dev_addr_bits: DevAddrs for joins, 2^bits of them. rx_delay_s (1..15), rx1_dr_offset (0..5), rx2_dr:
    told in each Join-Accept, and by MAC commands to devices that listen otherwise. dedup_ms: how long copies of a frame
    are waited for. lead_ms: how long before its start a transmission must be handed over. max_erp_dbm: of the radios;
    a sub-band's own limit holds as well. adr_margin_db: kept back when ADR chooses (see `adr.py`).
    """

    net_id: int = 1
    dev_addr_first: int = 0x02000000
    dev_addr_bits: int = 25
    rx_delay_s: int = 5
    rx1_dr_offset: int = 0
    rx2_dr: int = 3
    dedup_ms: int = 200
    lead_ms: int = 60
    max_erp_dbm: int = 27
    adr_margin_db: int = 10
