"""In a process of its own: draw the first pages of a PDF as PNG (`web.previews`).

`python -m ntm_workflow.web.pdf_pages FILE PAGES` writes four bytes with the number
of pages, then each picture behind four bytes with its length.
"""

from __future__ import annotations

import io
import sys

WIDTH = 1_000  # pixels of a page; a page longer than three times that is cut down
SECONDS = 15  # of work
MEMORY = 1_000_000_000


def main(path: str, most: int) -> None:
    _bound()
    import pypdfium2

    out = sys.stdout.buffer
    with pypdfium2.PdfDocument(path) as document:
        out.write(len(document).to_bytes(4, "big"))
        for number in range(min(most, len(document))):
            page = document[number]
            width, height = page.get_size()
            scale = min(WIDTH / max(width, 1), 3 * WIDTH / max(height, 1))
            # Neither the scripts of a form nor its fields are set going: only what is painted.
            picture = page.render(scale=scale, may_draw_forms=False).to_pil()
            made = io.BytesIO()
            picture.convert("P", palette=1, colors=64).save(made, "PNG")
            out.write(made.tell().to_bytes(4, "big") + made.getvalue())


def _bound() -> None:
    try:
        import resource
    except ImportError:  # not on Windows: the time limit of the parent remains
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
