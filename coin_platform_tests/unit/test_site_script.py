"""Data as scripts: whatever the texts say, a script only hands over its value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.site.script import script, value_of

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text(), VALUES)
def test_a_value_comes_back_as_it_was(name, value):
    assert value_of(script(name, value)) == value


@given(st.text(), VALUES)
def test_a_script_is_one_line_of_ascii_without_markup(name, value):
    text = script(name, value).decode("ascii")
    assert text.endswith(");\n")
    assert not set(text[:-1]) & set("<>&\n\r\u2028\u2029")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        script("name", {"price": value})


@pytest.mark.parametrize("content", [b"", b"alert(1)", b"site.data(1", b'site.data("a");\n'])
def test_what_is_no_such_script_is_not_read(content):
    with pytest.raises(ValueError):
        value_of(content)
