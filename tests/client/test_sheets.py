from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.client.columns import choose_columns, read_mapping
from poc.client.sheets import read_sheet
from poc.errors import PocError, RefusedError
from poc.limits import IMPORT_ROWS_MAX


def code_of(call, *given, **named):
    with pytest.raises(RefusedError) as refused:
        call(*given, **named)
    return refused.value.code, refused.value.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_csv_is_read_whatever_its_delimiter_and_mark(delimiter, bom):
    text = "contact,name\njo.technical,CERT\n\nsd.duty,مكتب\n".replace(",", delimiter)
    sheet = read_sheet(bom + text.encode(), is_json=False)
    assert sheet.columns == ("contact", "name")
    assert [(row.number, row.line) for row in sheet.rows] == [(1, 2), (2, 4)]
    assert sheet.rows[1].cells == {"contact": ("sd.duty",), "name": ("مكتب",)}


def test_quoted_breaks_and_delimiters_belong_to_their_cell_and_lines_are_still_counted():
    data = b'contact,post\r\njo.duty,"1, First St\r\nAmman"\r\nsd.duty,x\r\n'
    sheet = read_sheet(data, is_json=False)
    assert sheet.rows[0].cells["post"] == ("1, First St\r\nAmman",)
    assert [row.place for row in sheet.rows] == ["row 1 (line 2)", "row 2 (line 4)"]


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "bad-table", "no rows"),
        (b"contact,name\n", "bad-table", "no rows"),
        (b"a,b\n1,2,3\n", "bad-table", "line 2: 3 cells, 2 columns"),
        (b"a,a\n1,2\n", "bad-table", "two columns are named a"),
        (b'a,b\n1,"2\n', "bad-table", "line 2"),
        (b'a,b\n1,"2"x\n', "bad-table", "line 2"),
        (b"a,b\n1,\xff\n", "not-text", "line 2"),
        ("a,b\n1,2\n".encode("utf-16"), "not-text", "line 1"),
        (b"a,b\n1,\0\n", "not-text", "null"),
        (b"PK\x03\x04rest", "bad-table", "save it as CSV"),
        (b"a\n" + b"1\n" * (IMPORT_ROWS_MAX + 1), "bad-table", "more than"),
    ],
)
def test_what_is_no_table_is_refused_at_its_line(data, code, said):
    found, message = code_of(read_sheet, data, is_json=False)
    assert found == code
    assert said in message


def test_json_is_flattened_and_lists_are_several_values():
    data = b'{"teams": [{"a": {"b": "c", "n": null}, "l": ["x", "", "y"], "t": true}, {"z": 3}]}'
    sheet = read_sheet(data, is_json=True)
    assert sheet.columns == ("a.b", "l", "t", "z")
    assert sheet.rows[0].cells == {"a.b": ("c",), "l": ("x", "y"), "t": ("yes",)}
    assert sheet.rows[1].place == "row 2"


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"[]", "bad-table", "no rows"),
        (b"3", "bad-table", "a list"),
        (b'[{"a": 1}, 2]', "bad-table", "row 2"),
        (b'[\n{"a": 1,\n "a": 2}]', "bad-json", "line 3 column 2"),
        (b'[{"a": 1} {"b": 2}]', "bad-json", "line 1 column 11"),
        (b"\xef\xbb\xbf[]", "bad-json", "line 1 column 1"),
    ],
)
def test_json_that_is_no_table_is_refused_at_line_and_column(data, code, said):
    found, message = code_of(read_sheet, data, is_json=True)
    assert found == code
    assert said in message


@given(st.binary(max_size=200), st.booleans())
def test_nothing_but_a_refusal_comes_of_any_bytes(data, is_json):
    with contextlib.suppress(PocError):
        read_sheet(data, is_json=is_json)


# --- which column is which field ---------------------------------------------------------------


def sheet_of(*columns):
    return read_sheet((",".join(columns) + "\n" + ",".join("x" for _ in columns)).encode(), is_json=False)


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (("country", "fullName", "name", "emergencyContact"), ["state", "name.en", "phone"]),
        (("country-code", "country", "phone-numbers"), ["state", "phone"]),
        (("الدولة", "الاسم", "البريد الإلكتروني"), ["state", "name.ar", "email"]),
        (("E-Mail", "Contact ID", "Rôle"), ["contact", "role", "email"]),
        (("website", "email", "tel", "state"), ["state", "phone", "email", "web"]),
        (("label", "name.de", "radio"), ["label", "radio"]),
        (("shoe size",), []),
    ],
)
def test_fields_are_guessed_by_the_names_of_columns(columns, fields):
    found = choose_columns(sheet_of(*columns), None, [], [])
    assert list(found.columns) == fields


def test_pairs_change_the_guess_and_a_file_replaces_it():
    sheet = sheet_of("country", "tel", "second", "name")
    found = choose_columns(
        sheet, None, [("phone", "second"), ("phone", "tel"), ("name", "")], [("role", "duty")]
    )
    assert found.columns == {"state": ("country",), "phone": ("second", "tel")}
    assert found.values == {"role": "duty"}
    file = read_mapping(b'{"columns": {"name": "second"}, "values": {"state": "jo"}}')
    found = choose_columns(sheet, file, [], [])
    assert (found.columns, found.values) == ({"name.en": ("second",)}, {"state": "jo"})
    assert "not used: country, tel, name" in found.lines(sheet)


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b'{"column": {}}',
        b'{"columns": []}',
        b'{"columns": {"phone": 3}}',
        b'{"columns": {"phone": [3]}}',
        b'{"columns": {"shoe": "size"}}',
        b'{"values": {"role": 3}}',
        b'{"values": {"name.toolong": "x"}}',
    ],
)
def test_a_mapping_that_says_nothing_is_refused(data):
    assert code_of(read_mapping, data)[0] == "bad-mapping"


def test_a_field_or_column_there_is_not_is_refused():
    sheet = sheet_of("country")
    assert code_of(choose_columns, sheet, None, [("phone", "tel")], [])[0] == "bad-mapping"
    assert code_of(choose_columns, sheet, None, [("shoe", "country")], [])[0] == "bad-mapping"
    assert code_of(choose_columns, sheet, None, [], [("shoe", "1")])[0] == "bad-mapping"
