"""What a message on Zalo asks for."""

from __future__ import annotations

import pytest

from ntm_workflow.work import linking


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("LIENKET 4F7K-9Q2M", "4F7K9Q2M"),
        ("Liên kết: 4f7k 9q2m", "4F7K9Q2M"),
        ("lienket4f7k9q2m", "4F7K9Q2M"),
        ("LIÊN KẾT 4F7K–9Q2M.", "4F7K9Q2M"),  # as a phone mends it
        ("LIENKET OIL0-OIL0", "01100110"),  # letters that are taken for digits
        ("LIENKET 1234", "1234"),
        ("LIENKET 4F7K-9Q2M giúp tôi với ạ, tôi là văn thư của xã", "4F7K9Q2M"),
        ("LIENKET UUUU-9Q2M", "UUUU9Q2M"),  # no code has a U: wrong, and counted
        ("Liên kết giúp nhóm này với", ""),
        ("Liên kết theo mail nhé", ""),
        ("Liên kết ngày 25/6 nộp được không?", ""),
        ("Liên kết thế nào ạ?", ""),
        ("liên kết", ""),
        ("4F7K-9Q2M", ""),
        ("HUY", linking.STOP),
        ("Hủy", linking.STOP),
        ("huỷ liên kết", linking.STOP),
        ("Hủy cuộc họp ngày mai", ""),
        ("", ""),
        ("LIENKET " + "4" * 5000, ""),
    ],
)
def test_a_message_brings_a_code_or_ends_it_or_is_words(said: str, meant: str) -> None:
    assert linking.meant(said) == meant


def test_codes_are_forty_bits_and_read_as_they_were_made() -> None:
    assert len(set(linking._LETTERS)) == 32
    assert linking.meant(f"LIENKET {linking._LETTERS[:4]}-{linking._LETTERS[-4:]}") == "0123WXYZ"
