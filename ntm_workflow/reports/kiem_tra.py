#!/usr/bin/env python3
"""Kiểm tra một bộ hồ sơ nhật ký. Chỉ cần Python 3.8 trở lên, không cần gì khác:

    python3 kiem_tra.py HO-SO.zip [KHÓA-CÔNG-KHAI]     (hoặc thư mục đã giải nén)

Nêu tên từng mục, từng tệp bị sửa, mất, đổi chỗ hay thêm vào; thoát 1 nếu có."""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):  # RFC 8032, 5.1.4
    i, j = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    k, m = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = j - i, m - k, m + k, j + i
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, a):
    total = (0, 1, 1, 0)
    while n:
        total, a, n = add(total, a) if n & 1 else total, add(a, a), n >> 1
    return total


def point(data):  # RFC 8032, 5.1.3
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    u, v = y * y - 1, D * y * y + 1
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    x = x if (v * x * x - u) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (v * x * x - u) % P or (x == 0 and sign):
        raise ValueError("not a point")
    return (x := P - x if x & 1 != sign else x), y, 1, x * y % P


def signed(key, text, seal):  # RFC 8032, 5.1.7; key and seal in hexadecimal
    key, seal = bytes.fromhex(key), bytes.fromhex(seal)
    try:
        a, r, s = point(key), point(seal[:32]), int.from_bytes(seal[32:], "little")
    except ValueError:
        return False
    k = int.from_bytes(hashlib.sha512(seal[:32] + key + text).digest(), "little") % L
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    one, two = times(s, base), add(r, times(k, a))
    same = all((one[i] * two[2] - two[i] * one[2]) % P == 0 for i in (0, 1))
    return len(key) == 32 and len(seal) == 64 and s < L and same


class Bundle:
    def __init__(self, place):
        self.zip = zipfile.ZipFile(place) if zipfile.is_zipfile(place) else None
        self.folder = Path(place)
        inside = (p.relative_to(place).as_posix() for p in self.folder.rglob("*") if p.is_file())
        self.names = self.zip.namelist() if self.zip else list(inside)

    def open(self, name):
        return self.zip.open(name) if self.zip else (self.folder / name).open("rb")

    def read(self, name):
        return self.open(name).read()

    def same(self, name, wanted):
        digest = hashlib.sha256()
        try:
            with self.open(name) as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
        except Exception:  # một tệp nén đã hỏng
            return False
        return digest.hexdigest() == wanted


def files(bundle, key):
    """Mục lục: chữ ký, rồi từng tệp."""
    raw, (public, seal) = bundle.read("muc-luc.json"), bundle.read("muc-luc.sig").decode().split()
    if not signed(public, raw, seal):
        yield "muc-luc.json: chữ ký không đúng, mục lục đã bị sửa"
    if public not in ([key.lower()] if key else bundle.read("khoa.pub").decode().split()):
        yield f"muc-luc.sig: ký bằng khóa lạ {public}"
    told = json.loads(raw)["files"]
    for name in sorted({*bundle.names, *told} - {"muc-luc.json", "muc-luc.sig"}):
        if name not in told or bundle.names.count(name) > 1:
            yield f"{name}: tệp thêm vào, không có trong mục lục"
        elif name not in bundle.names:
            yield f"{name}: tệp bị mất" + ("" if told[name] else " từ trước khi lập hồ sơ")
        elif not bundle.same(name, told[name]):
            yield f"{name}: nội dung tệp đã bị sửa"


def entries(bundle, key):
    """Nhật ký: từng mục nối với mục trước; dấu ký của từng ngày; tệp nêu trong nhật ký."""
    told, keys = json.loads(bundle.read("muc-luc.json")), bundle.read("khoa.pub").decode().split()
    days, at, before, wanted = set(), {}, [bytes.fromhex(told["before"])], told["first"]
    for head in map(json.loads, bundle.read("dau-ngay.jsonl").splitlines()):
        text = f"ntm-head-1\n{head['day']}\n{head['seq']}\n{head['hash']}\n".encode()
        if head["key"] not in keys or not signed(head["key"], text, head["signature"]):
            yield f"dấu ngày {head['day']}: chữ ký không đúng"
        days.add(f"head/{head['day']}")
        at[head["seq"]] = [*at.get(head["seq"], []), head]
    yield from (f"mục {n}: dấu nối với mục trước đã bị sửa" for n in told.get("links", ()))
    with bundle.open("nhat-ky.jsonl") as file:
        for number, line in enumerate(file, 1):
            try:
                listed, text = bytes.fromhex(line[2:66].decode()), line[68:].rstrip(b"\n")[:-1]
                entry = json.loads(text)
                seq, action, data = int(entry[0]), entry[7], json.loads(entry[9])
                whole = line == b'["%s",%s]\n' % (listed.hex().encode(), text)
            except (ValueError, IndexError, TypeError):
                whole, seq = False, wanted
            if not whole or not wanted <= seq <= told["last"]:
                yield f"mục {seq}: thừa, sai chỗ hoặc không đọc được (dòng {number})"
                continue
            made = [hashlib.sha256(one + text).digest() for one in before]
            if seq > wanted:
                yield f"mục {wanted}" + f" đến {seq - 1}" * (seq > wanted + 1) + ": bị mất"
            elif listed not in made:
                yield f"mục {seq}: đã bị sửa, hoặc không nối với mục trước"
            before, wanted = [listed, *made[:1]], seq + 1
            for head in at.pop(seq, []):
                if head["hash"] != listed.hex():
                    yield f"dấu ngày {head['day']}: nhật ký đến mục {seq} đã bị viết lại"
            if action == "audit.signed" and data["seq"] >= told["first"] and entry[8] not in days:
                yield f"{entry[8]}: mục {seq} nêu dấu ngày này mà hồ sơ không có"
            for sha256 in data.get("files", ()) if action == "task.submitted" else ():
                if f"minh-chung/{sha256}" not in told["files"]:
                    yield f"minh-chung/{sha256}: mục {seq} nêu tệp này mà hồ sơ không có"
    if wanted != told["last"] + 1 or told["end"] not in (one.hex() for one in before):
        yield f"mục {wanted}: nhật ký phải kết thúc ở mục {told['last']}"
    yield from (f"dấu ngày {h['day']}: không còn mục {h['seq']}" for hs in at.values() for h in hs)


def main(place=".", key=""):
    found = []
    for check in (files, entries):
        try:
            found += check(Bundle(place), key)
        except Exception as error:
            found.append(f"hồ sơ không đọc hết được, đã bị sửa hoặc thiếu: {error}")
    print("\n".join([*found, f"KHÔNG NGUYÊN VẸN: {len(found)} chỗ" if found else "NGUYÊN VẸN"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
