"""What stands on the card before the process runs: devices, places, groups, sessions."""

from collections.abc import Sequence

import apsw

from gateway.network.events import Commit
from gateway.network.registration import Group, Registration, Role
from gateway.network.session import SessionRow
from gateway.operate.importing import Batch
from gateway.places.place import Installed, Place, PlaceKind
from gateway.readings.node_log import NodeLog
from gateway.store.apply import write_commits
from gateway.store.devices import add_devices
from gateway.store.groups import add_group
from gateway.store.places import install, set_places
from gateway.store.records import RecordWriter
from gateway.store.writes import KeepCounters, KeepSession, StartSession
from simulator.chain.cabinet.told import CabinetSettings, Member, Team, Warm

_KIND_OF = {Role.AIR: PlaceKind.STATION, Role.PARKING: PlaceKind.BAY, Role.LIGHT: PlaceKind.LAMP}


def enrol(
    database: apsw.Connection, settings: CabinetSettings, members: Sequence[Member], teams: Sequence[Team]
) -> None:
    """Enter nodes, their places, their groups, and what sessions they have."""
    from_ms = settings.start_s * 1000
    with database:
        added = add_devices(database, [_registration(member) for member in members])
        set_places(
            database,
            [
                Place(place_id=place, kind=_KIND_OF[Role(member.role)], zone=member.zone)
                for member in members
                for place in member.places
            ],
        )
        for member in members:
            for instance, place in enumerate(member.places):
                there = Installed(place_id=place, dev_eui=member.dev_eui, instance=instance, from_ms=from_ms)
                install(database, there)
        for team in teams:
            euis = tuple(member.dev_eui for member in members if member.group == team.name)
            group = Group(
                number=0,
                name=team.name,
                mc_addr=team.mc_addr,
                mc_key=team.mc_key,
                members=euis,
                dr=settings.rx2_dr,
            )
            add_group(database, group)
        writes = [
            write
            for registration, member in zip(added, members, strict=True)
            if member.warm is not None
            for write in _session(settings, registration, member.warm)
        ]
        write_commits(database, RecordWriter(), [Commit(token=0, writes=tuple(writes), at_once=True)])


def enter(database: apsw.Connection, batch: Batch) -> None:
    """Store what a file of devices said."""
    with database:
        add_devices(database, batch.registrations)
        set_places(database, batch.places)
        for installed in batch.installed:
            install(database, installed)


def _session(
    settings: CabinetSettings, registration: Registration, warm: Warm
) -> tuple[KeepSession | StartSession | KeepCounters, ...]:
    row = SessionRow(
        device=registration.device,
        number=0,
        dev_addr=warm.dev_addr,
        nwk_s_key=warm.nwk_s_key,
        app_s_key=warm.app_s_key,
        dev_nonce=warm.dev_nonce,
        join_nonce=warm.join_nonce,
        rx_delay_s=settings.rx_delay_s,
        rx1_dr_offset=0,
        rx2_dr=settings.rx2_dr,
        f_cnt_up=warm.f_cnt_up,
        f_cnt_down=warm.f_cnt_down,
    )
    log = NodeLog(epoch=warm.epoch, next_seq=warm.next_seq, sure=True, since=warm.next_seq)
    return (
        KeepSession(row),
        StartSession(registration.device, 0),
        KeepCounters(registration.device, warm.f_cnt_up, warm.f_cnt_down, log.to_text()),
    )


def _registration(member: Member) -> Registration:
    return Registration(
        device=0,
        dev_eui=member.dev_eui,
        role=Role(member.role),
        name=member.name,
        join_eui=member.join_eui,
        app_key=member.app_key,
        gen_app_key=member.gen_app_key,
        class_c=member.class_c,
        plan=member.plan,
        min_dr=member.min_dr,
    )
