"""`gateway.toml`: what it means, what it says when it is wrong, and that no mistake in it opens anything."""

import dataclasses
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.config.effective import effective, leaving
from gateway.config.example import example_text
from gateway.config.load import _SECTIONS, DATASETS, MAX_LEN, ConfigError, _wants, load_config, parse_config
from gateway.config.values import Config, is_loopback
from gateway.governance.dataset import Sharing

SITE = """\
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
"""


def parse(text: str, path: str = "gateway.toml") -> Config:
    return parse_config(text.encode(), Path(path))


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return list(caught.value.faults)


@pytest.fixture(name="secrets")
def _secrets(tmp_path: Path) -> dict[str, Path]:
    """Files that a configuration names; what is in them does not matter here."""
    files = {name: tmp_path / name for name in ("ca", "cert", "key", "password")}
    for path in files.values():
        path.write_text("not a real one\n", encoding="ascii")
        path.chmod(0o600)
    return files


def full(secrets: dict[str, Path]) -> str:
    """Every key that guards something, set to its most open permitted value."""
    return (
        SITE
        + f"""
[udp]
gateways = ["aa555a0000000101"]
listen = "0.0.0.0:1700"

[mqtt]
host = "broker.example"
audience = "open"
port = 8883
tls = true
ca = "{secrets["ca"]}"
cert = "{secrets["cert"]}"
key = "{secrets["key"]}"
username = "cabinet-12"
password_file = "{secrets["password"]}"

[api]
socket = "/run/lampyre/api.sock"
mode = "0660"
group = "lampyre"

[metrics]
listen = "127.0.0.1:9108"

[clock]
trust = "always"

[datasets.air]
sharing = "open"
licence = "etalab-2.0"
"""
    )


def mistakes() -> list[tuple[str, str]]:
    """(text, sentence) from the file beside this one."""
    cases = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("\n\n")[1:]
    found = []
    for case in cases:
        text, _, says = case.strip("\n").partition("\n=> ")
        found.append((text.replace("@SITE", SITE.rstrip()), says))
    assert len(found) > 20
    return found


def test_a_site_is_all_that_is_needed_and_everything_else_is_closed():
    config = parse(SITE)
    assert config.site.insee == "92002"
    assert (config.udp, config.mqtt, config.metrics, config.serial) == (None, None, None, ())
    assert config.api.permissions == 0o660
    assert config.clock.trust == "kernel"
    assert config.network.rx_delay_s == 5
    assert config.network.channel_plan.name == "full"
    assert {dataset.sharing for dataset in config.datasets} == {Sharing.INTERNAL}
    assert [dataset.name for dataset in config.datasets] == list(DATASETS)


def test_everything_given_arrives(secrets):
    config = parse(full(secrets))
    assert config.udp.address == ("0.0.0.0", 1700)
    assert config.udp.gateway_euis == (bytes.fromhex("aa555a0000000101"),)
    assert config.mqtt.door is Sharing.OPEN
    assert config.mqtt.broker_port == 8883
    assert config.metrics.address == ("127.0.0.1", 9108)
    assert {entry.dataset.name: entry.doors for entry in leaving(config)}["air"] == ("mqtt broker.example",)


def test_the_example_is_right_and_so_is_every_line_in_it_that_is_commented_out(secrets):
    parse(example_text())
    lines = []
    for line in example_text().splitlines():
        bare = line.removeprefix("# ")
        keyed = bare.partition(" = ")[0].isidentifier() or bare.startswith("[")
        lines.append(bare if line.startswith("# ") and keyed else line)
    text = "\n".join(lines).replace("tls = false", "tls = true").replace("usb-…", "usb-1")
    for name, path in (("ca.pem", "ca"), ("client.pem", "cert"), ("client.key", "key"), ("mqtt", "password")):
        text = text.replace(f'"/etc/lampyre/{name}"', f'"{secrets[path]}"')
    given = tomllib.loads(text)
    assert {"store", "network", "serial", "metrics", "clock", "api"} <= set(given)
    parse(text)


@pytest.mark.parametrize(("text", "says"), mistakes())
def test_a_mistake_is_a_sentence_with_its_line_and_what_to_write_instead(text, says):
    assert says in faults(text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    found = faults(SITE.replace('"Antony"', '""') + '[mqtt]\nhost = 5\nprot = 1\n[store]\nreserve_mb = "x"\n')
    lines = [int(fault.split(":")[1]) for fault in found]
    assert len(found) == 5
    assert lines == sorted(lines)


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="is not there; `lampyre gateway init` writes an example"):
        load_config(tmp_path / "gateway.toml")
    with pytest.raises(ConfigError, match="Is a directory; it must be a file that this user can read"):
        load_config(tmp_path)


def test_other_encodings_and_huge_files_are_told(tmp_path):
    with pytest.raises(ConfigError, match=r"gateway.toml:3: byte \d+ is not UTF-8; save the file as UTF-8"):
        parse_config(SITE.replace("Antony", "Évry").encode("latin-1"), Path("gateway.toml"))
    with pytest.raises(ConfigError, match=f"more than {MAX_LEN} bytes"):
        parse_config(b"#" * (MAX_LEN + 1), Path("gateway.toml"))
    assert parse_config(b"\xef\xbb\xbf" + SITE.replace("\n", "\r\n").encode(), Path("x")).site.name == "Antony"


GUARDS = (
    ("udp", "gateways"), ("udp", "listen"), ("mqtt", "host"), ("mqtt", "audience"), ("mqtt", "port"), ("mqtt", "tls"),
    ("mqtt", "ca"), ("mqtt", "cert"), ("mqtt", "key"), ("mqtt", "username"), ("mqtt", "password_file"),
    ("api", "socket"), ("api", "mode"), ("api", "group"), ("metrics", "listen"), ("clock", "trust"),
    ("datasets.air", "sharing"), ("datasets.air", "licence"),
)  # fmt: skip
MISTYPED = (
    "0",
    "1",
    "-1",
    "0.5",
    "true",
    "false",
    '""',
    '"x"',
    '"none"',
    '"off"',
    '"false"',
    '"*"',
    "[]",
    "{}",
    '["*"]',
)


def is_no_more_open(config: Config, than: Config) -> bool:
    """Every door of *config* is one of *than*'s, or is narrower."""
    if config.udp and config.udp.gateways != than.udp.gateways:
        return False
    if config.udp and not is_loopback(config.udp.address[0]) and config.udp.listen != than.udp.listen:
        return False
    if config.mqtt and not config.mqtt.tls and not is_loopback(config.mqtt.host):
        return False
    if config.mqtt and not is_loopback(config.mqtt.host) and not (config.mqtt.cert or config.mqtt.password_file):
        return False
    if config.mqtt and config.mqtt.door < than.mqtt.door:
        return False
    if config.metrics and not is_loopback(config.metrics.address[0]):
        return False
    if config.api.permissions & 0o007 or config.api.permissions & ~than.api.permissions:
        return False
    return all(mine.sharing >= theirs.sharing for mine, theirs in zip(config.datasets, than.datasets, strict=True))


def lines_with(text: str, section: str, key: str, new: str | None) -> str:
    """*text* with the line of *key* in *section* replaced, or left out."""
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line == f"[{section}]"
        if inside and line.startswith(f"{key} = "):
            if new is not None:
                kept.append(new)
            continue
        kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize(("section", "key"), GUARDS)
def test_a_guard_removed_renamed_or_mistyped_never_opens_anything(secrets, section, key):
    text = full(secrets)
    before = parse(text)
    assert lines_with(text, section, key, None) != text.rstrip("\n")
    variants = [
        None,
        f"{key}s = true",
        f"{key.upper()} = true",
        f"# {key}",
        *(f"{key} = {value}" for value in MISTYPED),
    ]
    refused = 0
    for new in variants:
        try:
            config = parse(lines_with(text, section, key, new))
        except ConfigError:
            refused += 1
        else:
            assert is_no_more_open(config, before), f"[{section}] {key} became {new!r} and opened something"
    assert refused >= len(variants) // 2, "mistypes are refused, not guessed at"


@pytest.mark.parametrize("section", ["udp", "mqtt", "api", "metrics", "clock", "datasets.air"])
def test_a_section_removed_or_renamed_never_opens_anything(secrets, section):
    text = full(secrets)
    head, _, rest = text.partition(f"[{section}]\n")
    tail = rest[rest.index("\n[") :] if "\n[" in rest else ""
    assert is_no_more_open(parse(head + tail), parse(text))
    with pytest.raises(ConfigError, match=r"has no (section|dataset)"):
        parse(text.replace(f"[{section}]", f"[{section}s]"))


def test_secrets_that_others_can_read_are_refused(secrets):
    for name, key in (("key", "key"), ("password", "password_file")):
        secrets[name].chmod(0o640)
        assert any(
            f"[mqtt] {key} is {secrets[name]}: its mode is 0640, so others can read a secret; run `chmod 600" in fault
            for fault in faults(full(secrets))
        )
        secrets[name].chmod(0o600)


def test_without_tls_no_other_machine_is_logged_in_at(secrets):
    login = f'username = "cabinet"\npassword_file = "{secrets["password"]}"\naudience = "open"\n'
    parse(f'{SITE}[mqtt]\nhost = "127.0.0.1"\ntls = false\n{login}')
    [fault] = faults(f'{SITE}[mqtt]\nhost = "10.0.0.7"\ntls = false\n{login}')
    assert fault == (
        "gateway.toml:8: [mqtt] tls is false, but 10.0.0.7 is another machine; write tls = true and its ca"
    )


def test_a_password_in_the_place_of_its_files_name_is_not_shown(secrets):
    for wrong in ('"hunter2"', '"/hunter2"'):
        text = full(secrets).replace(f'"{secrets["password"]}"', wrong)
        for fault in faults(text):
            assert "hunter2" not in fault
            assert "password_file" in fault


def test_who_only_asks_the_gateway_need_not_be_able_to_read_its_secrets(secrets):
    text = full(secrets)
    secrets["password"].unlink()
    with pytest.raises(ConfigError):
        parse(text)
    parse_config(text.encode(), Path("gateway.toml"), look=False)


def test_the_effective_configuration_holds_no_password(secrets):
    secrets["password"].write_text("hunter2\n", encoding="ascii")
    config = parse(full(secrets))
    assert "hunter2" not in str(effective(config)) + repr(config)
    assert effective(config)["mqtt"]["password_file"] == str(secrets["password"])


@pytest.mark.parametrize(
    ("section", "name"),
    [(section, field.name) for section in _SECTIONS for field in dataclasses.fields(_SECTIONS[section])],
)
def test_every_key_has_an_example_that_is_accepted(section, name):
    example = _wants(_SECTIONS[section], name).example
    assert list(tomllib.loads(example)) == [name]
    title = {"serial": "[[serial]]", "datasets": "[datasets.air]"}.get(section, f"[{section}]")
    text = SITE if section != "site" else ""
    found: tuple[str, ...] = ()
    try:
        parse(f"{text}{title}\n{example}\n", "x")
    except ConfigError as error:  # of other keys that are needed beside it
        found = error.faults
    assert not any(f"{title} {name} is " in fault or "has no key" in fault for fault in found), found


def apart(path: Path, expression: str) -> str:
    """What *expression* is, of the file loaded apart, in a process of its own: forking one with threads is unsafe."""
    code = (
        "import sys; from pathlib import Path; from gateway.config.load import *;"
        f"path = Path({str(path)!r}); loaded = load_config_apart(path); print({expression})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_loading_apart_gives_the_same_values_and_leaves_pydantic_in_the_child(tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_text(SITE, encoding="utf-8")
    assert apart(path, "'pydantic' in sys.modules, loaded == load_config(path)") == "False True\n"


def test_loading_apart_tells_the_same_faults(tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_text(SITE + "[colour]", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert apart(path, "").rstrip().endswith(f"ConfigError: {caught.value}")
