"""Parsing text from Windows, on any system. `tests/windows` tests Windows itself."""

import pytest

from omniprofile.system.files import is_reserved
from omniprofile.system.windows.access_lists import writing_groups

USUAL = "(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-1-2-3-1001)"


@pytest.mark.parametrize(
    ("access_list", "groups"),
    [
        (f"D:AI{USUAL}", []),
        (f"D:P{USUAL}(A;OICI;0x1200a9;;;BU)(A;;FR;;;WD)(A;;FX;;;AU)", []),
        (f"D:{USUAL}(A;OICI;FA;;;WD)", ["Everyone"]),
        ("D:(A;OICIID;0x1301bf;;;AU)(A;OICIIO;GA;;;BU)(A;;0x100002;;;BU)", ["Authenticated Users", "Users"]),
        ("D:(A;;CCDC;;;BG)(A;;SDWO;;;BG)", ["Guests"]),
        ("D:(D;;FA;;;WD)(OA;;FA;;;WD)", []),
        ("D:NO_ACCESS_CONTROL", ["Everyone"]),
    ],
)
def test_access_lists_show_who_may_write(access_list: str, groups: list[str]) -> None:
    assert writing_groups(access_list) == groups


@pytest.mark.parametrize(
    "name",
    ["NUL", "nul", "con.toml", "AUX .x", "COM1", "lpt9.key", "COM\u00b2", "a:b", "a.", "a ", "a?", "a\x01", "CONIN$"],
)
def test_names_that_windows_has_another_use_for(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize(
    "name", ["null", "console.toml", "com0", "com10", "a.nul", ".toml", "a b", "profiles.toml", "\u00fcber", ""]
)
def test_names_that_windows_takes_for_files(name: str) -> None:
    assert not is_reserved(name)
