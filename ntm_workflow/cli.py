"""`ntm`: one command per duty. Commands are imported when they are called."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any

import click

from ntm_workflow import __version__, texts
from ntm_workflow.errors import AppendixFaults, NtmError

# command → (module, one line of help): the module is imported only when it runs.
COMMANDS = {
    "up": ("serve", "Chạy tất cả: Prefect, lịch, trang web"),
    "plan": ("plan", "Kiểm tra, xem, nhập, điều chỉnh kế hoạch và phụ lục"),
    "explain": ("explain", "Một thời gian được hiểu thế nào"),
    "calendar": ("calendar", "Lịch làm việc: ngày nghỉ, ngày làm bù theo văn bản, tệp .ics"),
    "bodies": ("bodies", "Đơn vị: danh sách, cách gọi; đổi tên, sáp nhập, bàn giao việc"),
    "open": ("work", "Mở các việc đến ngày mở"),
    "tasks": ("work", "Danh sách việc"),
    "assign": ("work", "Giao việc đột xuất trên một dòng"),
    "submit": ("work", "Nộp minh chứng cho một việc"),
    "accept": ("work", "Thẩm định: đạt"),
    "return": ("work", "Thẩm định: trả lại"),
    "extend": ("work", "Gia hạn một việc, hoặc quyết định đề nghị gia hạn"),
    "cancel": ("work", "Hủy một việc"),
    "suspend": ("work", "Tạm dừng một việc"),
    "resume": ("work", "Tiếp tục một việc đã tạm dừng"),
    "status": ("work", "Bốn số: hoàn thành, chưa hoàn thành, đúng hạn, quá hạn"),
    "remind": ("chase", "Lập thông báo nhắc theo bậc thang"),
    "chase": ("by_hand", "Đôn đốc bằng tay một việc, một dòng, một đơn vị hay một danh sách"),
    "forecast": ("forecast", "Dự báo: ai sẽ được nhắc gì, ngày nào, nếu không ai trả lời"),
    "deliver": ("chase", "Gửi các thông báo đang chờ"),
    "mailbox": ("mailbox", "Hộp thư nhận trả lời: đọc ngay, hoặc đợi thư"),
    "notices": ("notices", "Thông báo đã lập: của một việc, đơn vị, đầu mối; kết quả gửi"),
    "contacts": ("contacts", "Đầu mối của các đơn vị: nhập, xuất, vắng mặt, địa chỉ"),
    "links": ("links", "Đường dẫn cá nhân của đầu mối: lập, thu hồi, xem"),
    "users": ("users", "Tài khoản đăng nhập: lập, mật khẩu, khóa, kết thúc phiên"),
    "channels": ("channels", "Kênh gửi: thư, Zalo Bot, dịch vụ khác; địa chỉ trên kênh"),
    "doctor": ("doctor", "Hệ thống có đang chạy không, hỏng ở đâu, phải làm gì"),
    "evidence": ("evidence", "Kho minh chứng: đọc lại từng tệp"),
    "audit": ("audit", "Nhật ký: xem, kiểm tra, dấu ngày, hồ sơ cho thanh tra, ai biết gì khi nào"),
    "backup": ("backup", "Sao lưu cơ sở dữ liệu và minh chứng; đọc lại một bản sao lưu"),
    "restore": ("backup", "Khôi phục từ một bản sao lưu"),
    "privacy": ("privacy", "Dữ liệu cá nhân: giữ bao lâu, xóa những gì đã quá hạn"),
    "keys": ("keys", "Khóa của máy: thay khóa, mã hóa lại, bỏ khóa cũ"),
    "db": ("db", "Cơ sở dữ liệu: nâng cấp, quyền của chương trình, sao lưu"),
    "deployments": ("serve", "Lịch chạy trên máy chủ Prefect riêng"),
}


class Lazy(click.Group):
    """A group that knows its commands' names and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"ntm_workflow.commands.{COMMANDS[name][0]}")
        found = getattr(module, name, None)  # "open", "return" and "tasks" end in "_"
        if not isinstance(found, click.Command):
            found = getattr(module, f"{name}_")
        assert isinstance(found, click.Command)
        _translate(found)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        said = texts.translated
        with formatter.section(said("Lệnh")):
            formatter.write_dl([(name, said(about)) for name, (_, about) in COMMANDS.items()])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ntm")
def cli() -> None:
    """Phụ lục trách nhiệm của kế hoạch, chạy được: mở việc, đôn đốc, minh chứng, nhật ký."""


def _translate(command: click.Command) -> None:
    """Say the help of a command, and of those below it, in the language of NTM_LANG."""
    if texts.language() == "vi":
        return
    command.help = texts.translated(inspect.cleandoc(command.help or ""))
    for one in command.params:
        if isinstance(one, click.Option) and one.help:
            one.help = texts.translated(one.help)
        if one.metavar:
            one.metavar = texts.translated(one.metavar)
    if isinstance(command, click.Group) and not isinstance(command, Lazy):
        for below in command.commands.values():
            _translate(below)


def main(args: list[str] | None = None) -> None:
    """Run the command line; errors become sentences and an exit code here, once."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    _translate(cli)
    try:
        cli.main(args=args, prog_name="ntm", standalone_mode=True)
    except NtmError as error:
        _explain(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if type(error).__name__ == "StaleDataError":  # two people changed one task at once
            from ntm_workflow.texts import say

            click.echo(say("task.changed_meanwhile"), err=True)
            sys.exit(1)
        if not _is_database(error):
            raise
        from ntm_workflow.texts import say

        why = str(getattr(error, "orig", error)).strip().splitlines()[0]
        click.echo(say("db.unreachable", why=why), err=True)
        sys.exit(2)


def _explain(error: NtmError) -> None:
    from ntm_workflow.commands import show

    if isinstance(error, AppendixFaults):
        click.echo(show.faults(error), err=True)
    else:
        click.echo(show.sentence(error), err=True)
        for fault in getattr(error, "faults", ()):
            click.echo(show.line_fault(fault), err=True)


def _is_database(error: Any) -> bool:
    known = ("OperationalError", "DatabaseError", "InterfaceError")
    return type(error).__name__ in known and "sqlalchemy" in type(error).__module__


if __name__ == "__main__":
    main()
